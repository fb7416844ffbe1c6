# shellcheck shell=sh
# What the scripts share: messages, and steps that are timed and logged.
# Sourced with $root set to the top of the checkout.

: "${root:?}"
program=${0##*/}

# The text with paths as they are outside of the sandbox.
outside() {
    printf '%s\n' "$*" | sed "s|$root/|${HOST_ROOT:-$root}/|g"
}

die() {
    outside "$program: $*" >&2
    exit 1
}

# need COMMAND...: all of them are installed, or the script ends.
need() {
    for needed; do
        command -v "$needed" >/dev/null 2>&1 ||
            die "the command '$needed' is missing. 'make deps' installs what the tests and the demo need."
    done
}

# start_log NAME: where the output of the following steps goes.
start_log() {
    mkdir -p "$root/build/log"
    log=$root/build/log/$1.log
    : >"$log"
}

# step TITLE COMMAND [ARGUMENT...]: runs it in a subshell with its output in
# the log, and prints one line with the time that it took. A failure ends the
# script and shows the end of the log.
step() {
    step_title=$1
    shift
    printf '\n== %s: %s\n' "$step_title" "$*" >>"$log"
    if [ -t 1 ]; then
        printf '  ..   %s\r' "$step_title"
    fi
    step_start=$(date +%s)
    set +e
    (
        set -e
        "$@"
    ) >>"$log" 2>&1 </dev/null
    step_status=$?
    set -e
    step_time=$(($(date +%s) - step_start))
    if [ "$step_status" -eq 0 ]; then
        printf '  ok   %-60s %4d s\n' "$step_title" "$step_time"
    else
        printf '  FAIL %-60s %4d s\n' "$step_title" "$step_time"
        tail -n 15 "$log" | sed 's/^/       | /'
        echo
        die "failed: $step_title. The full log: $log"
    fi
}

# documented PATTERN: the one command in docs/postfix.md that matches, so that
# what is tested is what is written there.
documented() {
    documented=$(sed -n "s|^\\($1\\)\$|\\1|p" "$root/docs/postfix.md")
    [ -n "$documented" ] || die "docs/postfix.md has no command like '$1'"
    [ "$(printf '%s\n' "$documented" | wc -l)" -eq 1 ] || die "docs/postfix.md has several commands like '$1'"
    printf '%s\n' "$documented"
}

# wait_until SECONDS COMMAND...: tries it about ten times a second, at least once.
wait_until() {
    wait_deadline=$(($(date +%s) + $1))
    shift
    while ! "$@"; do
        [ "$(date +%s)" -lt "$wait_deadline" ] || return 1
        sleep 0.1
    done
}
