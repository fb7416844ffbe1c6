#!/bin/sh
# Runs a command as one step: its output goes to LOG, and one line says how it went.
#
#   tests/step.sh TITLE LOG COMMAND...
#
# On a terminal the line also shows how far the command is: the seconds, and the
# last line of LOG.
set -eu
title=$1 log=$2
shift 2
if ! { mkdir -p "$(dirname "$log")" && true >"$log"; } 2>/dev/null; then
    echo "cannot write $log. Is the disk full, or does another user own build/? \`make clean\` removes it." >&2
    exit 1
fi
megabytes_left() { df -Pk "$log" | awk 'NR == 2 { print int($4 / 1000) }'; }
if [ "$(megabytes_left)" -lt 300 ]; then
    echo "only $(megabytes_left) MB are left on the disk for build/, and a step may take 300. Make room there." >&2
    exit 1
fi
start=$(date +%s)
seconds() { echo $(($(date +%s) - start)); }

show() {
    while kill -0 $$ 2>/dev/null; do
        line="  ..   $title $(seconds) s  $(tail -n 1 "$log")"
        printf '\r%s\033[K' "$(printf %s "$line" | tr -d '[:cntrl:]' | cut -c 1-78)"
        sleep 1
    done
}
watcher=
[ ! -t 1 ] || { show & watcher=$!; }
result=ok status=0
"$@" >>"$log" 2>&1 </dev/null || result=FAIL status=$?
[ -z "$watcher" ] || { kill $watcher; printf '\r\033[K'; }
printf '  %-4s %-60s %4d s\n' $result "$title" "$(seconds)"
[ $status -ne 0 ] || exit 0

tail -n 15 "$log" | sed 's/^/       | /'
[ "$(megabytes_left)" -gt 0 ] || echo "The disk is full. Make room for build/."
echo "failed: $title. The full log: $log"
exit $status
