#!/bin/sh
# The distribution's own Postfix, not a byte of it changed, calls our code from
# the shared library: with LD_PRELOAD in import_environment.
#
# Called by scripts/test.sh.
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
instance=$root/scripts/instance.sh
library=$root/build/libmaster_proto.so.1

if [ "${1:-}" != --inside ]; then
    "$root/scripts/build.sh" "$root/build"
    package=$("$root/scripts/debian-binary.sh")
    exec "$root/scripts/sandbox.sh" "$0" --inside "$package"
fi
package=$2
. "$root/scripts/checks.sh"
work=$root/build/preload
rm -rf "$work"
trap '"$instance" stop "$work" >/dev/null 2>&1 || :' EXIT

bytes() {
    (cd "$package" && find . -type f -exec cksum {} + | sort -k 3 | cksum)
}
mail_arrives() {
    rm -f "$work"/mail/inbox/new/* "$work"/sent/*
    "$instance" deliver "$work" 5
    "$instance" wait-mail "$work" 5
    "$instance" check "$work" 5
    timeout 10 socat -u /dev/null "UNIX-CONNECT:$work/queue/private/tlsproxy"
    echo QUIT | timeout 20 socat -t 15 - TCP:127.0.0.1:10035 | grep '^220'
}
# daemons_call STATUS TEXT
daemons_call() {
    mail_arrives
    "$root/tools/postfix-running" "$work" >"$work/running" && status=0 || status=$?
    cat "$work/running"
    [ "$status" -eq "$1" ]
    for daemon in smtpd cleanup virtual trivial-rewrite anvil pickup qmgr postscreen tlsproxy postlogd; do
        grep -q "^$2 .* $daemon " "$work/running" || die "no '$2 $daemon' among the daemons"
    done
}
stock() {
    "$instance" create "$work" "$package"
    "$instance" start "$work"
    daemons_call 1 other
    "$instance" stop "$work"
}
# Postfix hands down only what main.cf says.
environment_alone() {
    LD_PRELOAD=$library "$instance" start "$work"
    daemons_call 1 other
    "$instance" stop "$work"
}
preloaded() {
    command=$(documented 'postconf -e "import_environment=.*' | sed "s|/usr/local/lib/libmaster_proto.so.1|$library|")
    PATH="$package/usr/sbin:$PATH" LD_LIBRARY_PATH=$package/usr/lib/postfix MAIL_CONFIG=$work/etc sh -c "$command"
    "$instance" start "$work"
    daemons_call 0 ours
}
reloaded() {
    "$instance" hold "$work"
    "$instance" reload "$work"
    "$instance" release "$work"
    wait_until 10 grep -q 'master_notify: status 1: Broken pipe' "$work/log" ||
        die "the old generation did not fail in $work/log"
    daemons_call 0 ours
}
stopped() {
    "$instance" stop "$work"
    if grep -e 'undefined symbol' -e 'ld\.so' "$work/log"; then
        return 1
    fi
    [ "$(bytes)" = "$before" ]
}

before=$(bytes)
check "the distribution's binaries: their own code" stock
check "LD_PRELOAD in the environment alone: still their own code" environment_alone
check "LD_PRELOAD in import_environment: every daemon calls ours" preloaded
check "the same after a reload; the old generation ends" reloaded
check "stop; no message of the dynamic linker; no byte changed" stopped
end_checks preload
