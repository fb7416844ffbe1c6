#!/bin/sh
# Checks that docs/behaviour.md names, for each sentence, tests that exist and
# run: behaviour.sh [FILE]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
page=${1:-$root/docs/behaviour.md}
cd "$root"
mkdir -p build

# A test runs if a table calls it: a C harness's in main(), a script's in its
# list, a Rust test by its attribute, a program by the script that builds it.
runs() {
    case $1 in
    *.c) grep -q "^for test in .*\<${1%.c}\>" c_tests/rendered.sh && [ -f "c_tests/$1" ] ;;
    *.sh) grep -q "RUN=c_tests/$1" c_tests/tools.sh && [ -x "c_tests/$1" ] ;;
    notify_unobserved) grep -q "seen = $1(" c_tests/harness.c ;;
    *)
        grep -q "cmocka_unit_test\(_setup\)\{0,1\}($1[,)]" c_tests/*.c ||
            grep -qx "    $1\(;.*\| \\\\\)" c_tests/differences.sh ||
            sed -n '/^#\[test\]/,/^fn/p' tests/*.rs | grep -q "^fn $1()"
        ;;
    esac
}

passed=0
failed=0
complain() {
    echo "  FAIL $page: $*"
    failed=$((failed + 1))
}
grep '^- ' "$page" >build/behaviour || die "no sentence in $page"
while IFS= read -r sentence; do
    # shellcheck disable=SC2016 # Markdown's quotes
    names=$(printf '%s\n' "$sentence" | sed -n 's/.* (\(`[^()]*`\))$/\1/p' | tr -d '`,')
    [ -n "$names" ] || complain "no test is named: $sentence"
    for name in $names; do
        if runs "$name"; then
            passed=$((passed + 1))
        else
            complain "no test '$name' runs"
        fi
    done
done <build/behaviour
rm build/behaviour
echo "behaviour: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
