# shellcheck shell=sh
# What the test scripts share: tests that are counted. Sourced after lib.sh,
# with $log set by start_log.

: "${log:?}"
tests_passed=0
tests_failed=0

# check TITLE COMMAND [ARGUMENT...]: one test. Goes on after a failure, with
# the command's output on the screen.
check() {
    check_title=$1
    shift
    printf '\n== %s: %s\n' "$check_title" "$*" >>"$log"
    set +e
    (
        set -e
        "$@"
    ) >"$log.check" 2>&1 </dev/null
    check_status=$?
    set -e
    cat "$log.check" >>"$log"
    if [ "$check_status" -eq 0 ]; then
        tests_passed=$((tests_passed + 1))
        printf '  ok   %s\n' "$check_title"
    else
        tests_failed=$((tests_failed + 1))
        printf '  FAIL %s\n' "$check_title"
        tail -n 15 "$log.check" | sed 's/^/       | /'
    fi
    rm -f "$log.check"
}

# refuses TEXT COMMAND...: it fails, and its message has TEXT.
refuses() {
    refusal=$1
    shift
    if "$@" >"$log.refusal" 2>&1; then
        echo "it did not fail: $*"
        return 1
    fi
    if ! grep -F -- "$refusal" "$log.refusal"; then
        echo "no '$refusal' in:"
        cat "$log.refusal"
        return 1
    fi
    rm -f "$log.refusal"
}

# finish LABEL: the counts, as the end of the script.
finish() {
    printf '%s: %s passed, %s failed\n' "$1" "$tests_passed" "$tests_failed"
    [ "$tests_failed" -eq 0 ] && [ "$tests_passed" -gt 0 ]
}
