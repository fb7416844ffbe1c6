#!/bin/sh
# Compares the log lines that each implementation makes through Postfix's real
# libpostfix-util: rendered.sh TREE NAME=FILE...
#
# TREE is a static Postfix build. Each implementation's lines must be, byte for
# byte, those of rendered.txt, so all are the same. Environment: CC, OUT.
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

passed=0
failed=0
for implementation; do
    name=${implementation%%=*}
    file=${implementation#*=}
    program=$out/$name
    case $name in
    original*) header=$tree/src/master ;;
    *) header=$root/include ;;
    esac
    log=$program.log
    # Our header first: Postfix's own folder of headers has a copy of its one.
    # shellcheck disable=SC2086 # a list of words
    if ! ${CC:-cc} -O2 -Wall -Wextra -Werror -Wno-comment -Wno-strict-prototypes "-D$system" -DNO_DB -DNO_NIS -DNO_EAI \
        -I "$header" -isystem "$tree/include" "$root/c_tests/rendered.c" "$file" \
        "-Wl,-rpath,$(dirname "$file")" "$tree/lib/libutil.a" $libraries -o "$program" >"$log" 2>&1; then
        echo "  FAIL rendered log on $name: does not build, see $log"
        failed=$((failed + 1))
        continue
    fi
    # Through a pipe: the program limits the size of files.
    { LC_ALL=C "$program" 2>&1 3>&- 4>&- 5>&- </dev/null || echo "exit status $?"; } | cat >"$program.txt"
    if diff "$root/c_tests/rendered.txt" "$program.txt" >"$log"; then
        echo "  ok   rendered log on $name"
        passed=$((passed + 1))
    else
        echo "  FAIL rendered log on $name: not that of c_tests/rendered.txt, see $log"
        failed=$((failed + 1))
    fi
done
echo "rendered: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
