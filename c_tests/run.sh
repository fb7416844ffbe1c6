#!/bin/sh
# Builds the C harnesses with each implementation of master_notify and runs
# them: run.sh NAME=FILE...
#
# FILE is an object, an archive or a shared library. The first one is the
# reference: whatever the harnesses observe of it must hold for the others. A
# NAME that starts with "original" is Postfix's own code and is built with
# Postfix's header, in the folder that POSTFIX_HEADER names. It does not link
# without msg symbols, nor does ours built with strong references, whose NAME
# starts with "strong"; that is checked instead.
#
# Environment, all optional:
#   CC, CXX, CFLAGS, LDFLAGS   the compilers       (cc, c++, -O2)
#   RUN                        words before each program, such as valgrind
#   OUT                        where programs and logs go  (build/c_tests)
#   LABEL                      the name of this run, in front of each line
#   HARNESSES                  only these
#   SEED                       of the random values and moments  (the time)
#   RANDOM_CALLS, MESSAGES     how many, where fewer must do
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

[ $# -gt 0 ] || die "usage: run.sh NAME=FILE...; the environment is described at the top of $0"
out=${OUT:-$root/build/c_tests}
label=${LABEL:-gcc}
mkdir -p "$out"
SEED=${SEED:-$(date +%s)}
export SEED

# The harness, its source, and flags for msg.c.
programs='
layout              layout.c
call                call.c
descriptors         descriptors.c
failure             failure.c
fatal               fatal.c
seccomp             seccomp.c
contexts            contexts.c
logging             logging.c
flips               flips.c
load                load.c
silent-no-msg       silent.c       -DNO_MSG_VERBOSE -DNO_MSG_INFO
silent-no-info      silent.c       -DNO_MSG_INFO
silent-no-verbose   silent.c       -DNO_MSG_VERBOSE
cplusplus           cplusplus.cc
'

# compile OBJECT SOURCE [FLAG...]: once in each run.
compile() {
    part=$1
    part_source=$root/c_tests/$2
    shift 2
    [ ! -f "$part" ] || return 0
    # shellcheck disable=SC2086 # lists of words
    ${CC:-cc} ${CFLAGS--O2} -Wall -Wextra -Werror "$@" -c "$part_source" -o "$part"
}

# build IMPLEMENTATION FILE PROGRAM SOURCE [FLAG...]
build() {
    case $1 in
    original*)
        header=$POSTFIX_HEADER
        set -- "$@" -Wno-comment
        ;;
    *) header=$root/include ;;
    esac
    file=$2
    target=$3
    case $4 in
    *.cc) compiler=${CXX:-c++} ;;
    *) compiler=${CC:-cc} ;;
    esac
    source_path=$root/c_tests/$4
    shift 4
    folder=$(dirname "$target")
    case $* in
    *-D*) msg=$target.msg.o ;;
    *) msg=$folder/msg.o ;;
    esac
    compile "$folder/harness.o" harness.c -I "$header" "$@" || return 1
    compile "$msg" msg.c -I "$header" "$@" || return 1
    # shellcheck disable=SC2086 # lists of words
    $compiler ${CFLAGS--O2} -Wall -Wextra -Werror -I "$header" "$@" "$source_path" \
        "$folder/harness.o" "$msg" "$file" "-Wl,-rpath,$(dirname "$file")" \
        ${LDFLAGS-} -lcmocka -pthread -o "$target"
}

for harness in ${HARNESSES:-}; do
    printf '%s\n' "$programs" | grep -q "^$harness " || die "HARNESSES names '$harness', which is not one of $programs"
done

passed=0
failed=0
cases=$out/cases
: >"$cases"
report() {
    if [ "$1" = ok ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
    printf '  %-4s %s: %s on %s%s\n' "$1" "$label" "$program_name" "$name" "${2:+: $2}"
}

case " $*" in
*" original"*)
    [ -n "${POSTFIX_HEADER:-}" ] ||
        die "POSTFIX_HEADER is not set: the folder of Postfix's master_proto.h, for the original"
    ;;
esac

# The flags may be others than in an earlier run.
for implementation; do
    rm -f "$out/${implementation%%=*}/harness.o" "$out/${implementation%%=*}"/*msg.o
done

reference=${1%%=*}
while read -r program_name source flags; do
    [ -n "$program_name" ] || continue
    case " ${HARNESSES:-$program_name} " in
    *" $program_name "*) ;;
    *) continue ;;
    esac
    for implementation; do
        name=${implementation%%=*}
        case "$name $source" in
        # Postfix's header is not for C++.
        original*.cc) continue ;;
        esac
        file=${implementation#*=}
        mkdir -p "$out/$name"
        target=$out/$name/$program_name
        log=$target.log
        rm -f "$target" "$target.observed"
        # shellcheck disable=SC2086 # a list of words
        if ! build "$name" "$file" "$target" "$source" $flags >"$log" 2>&1; then
            case "$name $flags" in
            original*NO_MSG* | strong*NO_MSG*)
                if grep -q 'undefined \(reference to\|symbol:\) .\?msg_' "$log"; then
                    report ok "does not link, since its references are strong"
                    continue
                fi
                ;;
            esac
            report FAIL "does not build, see $log"
            continue
        fi
        case "$name $flags" in
        original*NO_MSG* | strong*NO_MSG*)
            report FAIL "links without msg symbols, which it never did"
            continue
            ;;
        esac
        # Descriptors that a calling make may have left open are not for the harness.
        # shellcheck disable=SC2086 # a list of words
        if ! OBSERVATIONS=$target.observed timeout 300 ${RUN-} "$target" >>"$log" 2>&1 </dev/null 3>&- 4>&- 5>&-; then
            report FAIL "see $log"
            continue
        fi
        expected=$out/$reference/$program_name.observed
        # The original has no program in C++, nor one without msg symbols.
        case "$source $flags" in
        *.cc* | *NO_MSG*) ;;
        *)
            if [ ! -f "$expected" ]; then
                report FAIL "has nothing to be compared with: $reference was not observed"
                continue
            fi
            ;;
        esac
        if [ -f "$expected" ] && ! diff "$expected" "$target.observed" >>"$log"; then
            report FAIL "behaves differently from $reference, see the end of $log"
            continue
        fi
        sed -n "s/^\[ *OK \] \(.*\)/$program_name \1/p" "$log" >>"$cases"
        report ok
    done
done <<END
$programs
END

printf '%s: %s cases on %s implementations, %s runs in all\n' "$label" \
    "$(sort -u "$cases" | wc -l)" $# "$(wc -l <"$cases")"
printf '%s: %s passed, %s failed\n' "$label" "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
