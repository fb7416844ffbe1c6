# shellcheck shell=sh
# Tests in a script, one line each. Sourced after lib.sh.
#
#   check TITLE COMMAND [ARGUMENT...]   in a subshell, its output in the log
#   refuses TEXT COMMAND...             fails, with TEXT in its message
#   end_checks LABEL                    the sum; ends with 1 if any failed
: "${program:?lib.sh comes first}"
passed=0
failed=0
# test.sh writes its own log of this script: another name.
start_log "checks-${program%.sh}"
: "${log:?}"

check() {
    check_title=$1
    shift
    printf '\n== %s\n' "$check_title" >>"$log"
    check_start=$(date +%s)
    check_from=$(wc -l <"$log")
    set +e
    (
        set -e
        "$@"
    ) >>"$log" 2>&1 </dev/null
    check_status=$?
    set -e
    check_time=$(($(date +%s) - check_start))
    if [ "$check_status" -eq 0 ]; then
        passed=$((passed + 1))
        printf '  ok   %-60s %4d s\n' "$check_title" "$check_time"
    else
        failed=$((failed + 1))
        printf '  FAIL %-60s %4d s\n' "$check_title" "$check_time"
        tail -n "+$((check_from + 1))" "$log" | tail -n 15 | sed 's/^/       | /'
        printf '       the full log: %s\n' "$log"
    fi
}

refuses() {
    refusal=$1
    shift
    if "$@" >"$log.refusal" 2>&1; then
        echo "it did not fail: $*"
        return 1
    fi
    cat "$log.refusal"
    grep -qF -- "$refusal" "$log.refusal" || {
        echo "no '$refusal' in that message"
        return 1
    }
    rm -f "$log.refusal"
}

end_checks() {
    printf '%s: %d passed, %d failed\n' "$1" "$passed" "$failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
