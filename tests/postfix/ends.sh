# What the tests of tools/postfix-object and tools/postfix-running share.
#
# shellcheck shell=sh

# ends STATUS TEXT COMMAND...: it exits with this status, and the last line that it
# prints, but for make's, has this text. All of it is in $TMPDIR/said.
ends() {
    wanted=$1 text=$2
    shift 2
    status=0
    "$@" >"$TMPDIR/said" 2>&1 || status=$?
    cat "$TMPDIR/said"
    [ "$status" -eq "$wanted" ]
    grep -v '^make' "$TMPDIR/said" | tail -n 1 | grep -e "$text"
}
