#!/bin/sh
# Runs the C harnesses under the tools that find what tests do not see, with
# other compilers, and linked in other ways: tools.sh NAME=FILE...
#
# The arguments and POSTFIX_HEADER are those of run.sh. For each tool, a mistake
# is planted that it must find, in a program that works without it.
#
# The sanitizers see the harness, and what the uninstrumented object hands to
# libc. The case that races in the C original too, flips.c, is not for the
# thread sanitizer.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
. "$root/scripts/checks.sh"
need gcc g++ clang clang++ valgrind strace

[ $# -gt 0 ] || die "usage: tools.sh NAME=FILE...; see run.sh"
out=${OUT:-$root/build/tools_test}
mkdir -p "$out"
broken=

# run TOOL IMPLEMENTATION...: the environment of run.sh for that tool. Its
# numbers are smaller where the tool is slow.
run() {
    (
        tool=$1
        shift
        export LABEL="$tool" OUT="$out/$tool" RANDOM_CALLS=1000 MESSAGES=1000
        sanitize="-g -O1 -fno-sanitize-recover=all -fsanitize"
        case $tool in
        clang)
            export CC=clang CXX=clang++
            ;;
        lto)
            export CC=gcc CXX=g++ CFLAGS="-O2 -flto" LDFLAGS="-O2 -flto"
            ;;
        strace)
            # All whose calls are marked.
            export RUN=c_tests/trace.sh
            export HARNESSES="${HARNESSES:-call descriptors failure fatal seccomp contexts logging silent-no-msg silent-no-info silent-no-verbose}"
            ;;
        memcheck)
            export MESSAGES=100
            export RUN="valgrind --quiet --error-exitcode=99 --trace-children=yes"
            ;;
        asan-ubsan)
            export CC=gcc CXX=g++ CFLAGS="$sanitize=address,undefined" LDFLAGS="-fsanitize=address,undefined"
            ;;
        tsan)
            export CC=gcc CXX=g++ CFLAGS="$sanitize=thread" LDFLAGS="-fsanitize=thread"
            export HARNESSES="${HARNESSES:-contexts load}"
            ;;
        none) ;;
        esac
        # For RUN, whose words may not contain spaces.
        cd "$root"
        c_tests/run.sh "$@"
    )
}

for tool in clang lto strace memcheck asan-ubsan tsan; do
    run "$tool" "$@" || broken="$broken $tool"
done

# finds TOOL MISTAKE TEXT [FLAG...]: the flags compile the planted mistake.
finds() {
    tool=$1
    mistake=$2
    text=$3
    shift 3
    object=$out/planted-$mistake.o
    gcc -Wno-uninitialized -I "$root/include" "-DPLANTED=$mistake" "$@" \
        -c "$root/c_tests/planted.c" -o "$object"
    HARNESSES=load
    export HARNESSES
    # Without sanitizers in the harness, those of the object would not link.
    case $* in
    *sanitize*) ;;
    *)
        if ! run none "planted-$mistake=$object"; then
            echo "the planted $mistake is seen without $tool too"
            return 1
        fi
        ;;
    esac
    if run "$tool" "planted-$mistake=$object"; then
        echo "$tool does not find the planted $mistake"
        return 1
    fi
    grep "$text" "$out/$tool/planted-$mistake/load.log" || {
        echo "$tool does not name the planted $mistake in $out/$tool/planted-$mistake/load.log"
        return 1
    }
}
check "memcheck finds an uninitialised message" \
    finds memcheck uninitialised 'write(buf) points to uninitialised'
check "the address sanitizer finds a message that is too short" \
    finds asan-ubsan overrun 'heap-buffer-overflow'
check "the undefined behaviour sanitizer finds an overflow" \
    finds asan-ubsan overflow 'signed integer overflow' -fsanitize=undefined -fno-sanitize-recover=all
check "the thread sanitizer finds a race" finds tsan race 'data race' -g -fsanitize=thread

# What a program may be: each with the msg symbols and without.
links() {
    msg=$1
    file=$2
    shift 2
    program=$out/caller
    rm -f "$program"
    gcc -Wall -Wextra -Werror "$@" ${msg:+"-D$msg"} -I "$root/include" "$root/c_tests/caller.c" \
        "$file" -o "$program"
    "$program" 3>&- 4>&- 5>&-
}
for implementation; do
    name=${implementation%%=*}
    file=${implementation#*=}
    case $name in
    shared*) continue ;;
    esac
    for flags in "-O2 -static" "-O2 -static-pie -fPIE" "-O2 -flto -static-pie -fPIE" "-O2 -no-pie" \
        "-O2 -flto -pie -fPIE"; do
        # shellcheck disable=SC2086 # a list of words
        check "caller with msg symbols, $flags, $name" links MSG "$file" $flags
        case $name in
        # Does not link without them.
        original*) continue ;;
        esac
        # shellcheck disable=SC2086 # a list of words
        check "caller without msg symbols, $flags, $name" links "" "$file" $flags
    done
done

end_checks "planted and linked" || broken="$broken planted-and-linked"
[ -z "$broken" ] || die "failed:$broken"
