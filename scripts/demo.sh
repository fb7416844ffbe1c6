#!/bin/sh
# A real Postfix with our object inside delivers mail and reloads.
#
# Called by `make demo`, and by the tests; POSTFIX_SRC as in postfix-source.sh.
# shellcheck disable=SC2317 # step calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
instance=$root/scripts/instance.sh
messages=20

# The second half, inside the sandbox.
if [ "${1:-}" = --inside ]; then
    tree=$2
    work=$3
    log=$root/build/log/demo.log
    trap '"$instance" stop "$work" >/dev/null 2>&1 || :' EXIT

    mail_arrives() {
        "$instance" deliver "$work" "$messages"
        "$instance" wait-mail "$work" "$messages"
        "$instance" check "$work" "$messages"
        [ "$("$instance" queue "$work")" -eq 0 ] || die "mail is left in the queue"
    }

    # Both sides of it: what write(2) returned, and what the child made of it.
    old_generation_ends() {
        "$instance" hold "$work"
        "$instance" reload "$work"
        "$instance" release "$work"
        for text in 'master_notify: status 1: Broken pipe' 'master disconnect -- exiting'; do
            wait_until 10 grep -q "$text" "$work/log" || die "no '$text' in $work/log"
        done
    }

    messages_are_whole() {
        "$root/scripts/status-messages.sh" "$work/trace" >"$work/status"
        [ -s "$work/status" ] || die "no status message in $work/trace"
        if grep MALFORMED "$work/status"; then
            die "not every write to descriptor 5 was one MASTER_STATUS: $work/status"
        fi
        for column in TAKEN AVAIL; do
            cut -f 4 "$work/status" | grep -qx "$column" || die "no $column in $work/status"
        done
    }

    "$instance" create "$work" "$tree"
    step "start a private instance on 127.0.0.1" "$instance" start "$work" \
        strace -f -qq -o "$work/trace" -s 64 -x -e trace=execve,write -e signal=none
    step "$messages messages over SMTP arrive complete" mail_arrives
    step "a session is held open over 'postfix reload'" old_generation_ends
    step "stop" "$instance" stop "$work"
    step "every status message is 12 bytes from a live child" messages_are_whole

    echo
    echo "Status messages (written by master_notify to descriptor 5):"
    printf '  %-18s %6s %10s  %-6s %s\n' service pid generation status 'write(2)'
    smtpd=$(awk -F '\t' '/EPIPE/ { print $2; exit }' "$work/status")
    awk -F '\t' -v smtpd="$smtpd" '
        $2 == smtpd { late[++n] = $0; next }
        shown[$1]++ < 2 && lines++ < 10 { print }
        END { for (i = n > 4 ? n - 3 : 1; i <= n; i++) print late[i] }
    ' "$work/status" | while IFS="$(printf '\t')" read -r service pid generation status result; do
        printf '  %-18s %6s %10s  %-6s %s\n' "$service" "$pid" "$generation" "$status" "$result"
    done
    echo
    echo "The old generation's end, in Postfix's log:"
    grep -h -e 'master_notify: status 1: Broken pipe' -e 'master disconnect -- exiting' "$work/log" |
        sed 's/^/  /'
    echo
    echo "Summary: $messages of $messages messages delivered," \
        "$(wc -l <"$work/status") status messages from" \
        "$(cut -f 1 "$work/status" | sort -u | wc -l) services, all of 12 bytes."
    exit 0
fi

[ "$(id -u)" -eq 0 ] ||
    die "root is needed, since Postfix's master(8) starts as root. Run 'make demo' again as root."
need cc make m4 strace socat unshare ip objdump
start_log demo

find_source() {
    "$root/scripts/postfix-source.sh" >"$root/build/postfix-source"
}
build_stock() {
    "$root/scripts/postfix-build.sh" static >"$root/build/postfix-tree"
}
# In a copy, so that the stock build stays for comparison.
replace_object() {
    rm -rf "$ours"
    cp -a "$(cat "$root/build/postfix-tree")" "$ours"
    "$root/tools/postfix-object" replace "$ours"
}

echo "A real Postfix with build/master_proto.o in place of its own object"
step "build our object" "$root/scripts/build.sh" "$root/build"
step "find Postfix's source" find_source
step "build Postfix (once)" build_stock
ours=$(cat "$root/build/postfix-tree")-ours
if [ ! -f "$ours/src/master/master_proto.o" ] ||
    ! cmp -s "$root/build/master_proto.o" "$ours/src/master/master_proto.o"; then
    step "put our object in its place and relink" replace_object
fi
step "verify that the code in each program is ours" "$root/tools/postfix-object" verify "$ours"

# Postfix refuses queue folders that others may write to; so a fresh folder
# that only root owns.
work=$root/build/demo
rm -rf "$work"
"$root/scripts/sandbox.sh" "$0" --inside "$ours" "$work" || exit 1
echo "Postfix's log, the trace and the mail are in $work"
