#!/bin/sh
# Links each implementation with Postfix's real libpostfix-util and compares
# what the log then says: rendered.sh TREE NAME=FILE...
#
# rendered.c logs through msg_info; in server.c, Postfix's own master_status.c
# reads the messages. Each implementation's lines must be, byte for byte, those
# of the .txt beside the program, so all are the same. TREE is a static Postfix
# build. Environment: CC, OUT.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

[ $# -ge 2 ] || die "usage: rendered.sh TREE NAME=FILE..."
tree=$1
shift
[ -f "$tree/lib/libutil.a" ] || die "there is no $tree/lib/libutil.a. Build Postfix with scripts/postfix-build.sh static."
out=${OUT:-$root/build/c_tests/rendered}
mkdir -p "$out"
system=$(sed -n 's/^SYSTYPE[[:space:]]*=[[:space:]]*//p' "$tree/conf/makedefs.out")
libraries=$(sed -n 's/^SYSLIBS[[:space:]]*=[[:space:]]*//p' "$tree/conf/makedefs.out")

# build IMPLEMENTATION FILE SOURCE [FILE...]
build() {
    case $1 in
    original*) header=$tree/src/master ;;
    *) header=$root/include ;;
    esac
    file=$2
    source=$3
    shift 3
    # The header of the implementation first: Postfix's folders have their own.
    # shellcheck disable=SC2086 # a list of words
    ${CC:-cc} -O2 -Wall -Wextra -Werror -Wno-comment "-D$system" -DNO_DB -DNO_NIS -DNO_EAI \
        -I "$header" -isystem "$tree/include" -isystem "$tree/src/master" "$source" "$@" "$file" \
        "-Wl,-rpath,$(dirname "$file")" "$tree/lib/libutil.a" $libraries -o "$program"
}

passed=0
failed=0
for test in rendered server; do
    for implementation; do
        name=${implementation%%=*}
        program=$out/$test-$name
        log=$program.log
        case $test in
        rendered) object= ;;
        server) object=$tree/src/master/master_status.o ;;
        esac
        if ! build "$name" "${implementation#*=}" "$root/c_tests/$test.c" ${object:+"$object"} >"$log" 2>&1; then
            echo "  FAIL $test on $name: does not build, see $log"
            failed=$((failed + 1))
            continue
        fi
        # Through a pipe: one program limits the size of files.
        { LC_ALL=C "$program" 2>&1 3>&- 4>&- 5>&- </dev/null || echo "exit status $?"; } | cat >"$program.txt"
        if diff "$root/c_tests/$test.txt" "$program.txt" >"$log"; then
            echo "  ok   $test on $name"
            passed=$((passed + 1))
        else
            echo "  FAIL $test on $name: not the lines of c_tests/$test.txt, see $log"
            failed=$((failed + 1))
        fi
    done
done
echo "rendered: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
