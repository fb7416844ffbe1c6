#!/bin/sh
# A running Postfix with our object inside does what the stock build does:
# test-system.sh [static|shared]
#
# The same checks run on both, the stock build first. Called by scripts/test.sh.
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
instance=$root/scripts/instance.sh
kinds=${1:-static shared}

if [ "${1:-}" != --inside ]; then
    need strace socat unshare setsid
    "$root/scripts/build.sh" "$root/build"
    for kind in $kinds; do
        stock=$("$root/scripts/postfix-build.sh" "$kind")
        ours=$root/build/system/$kind-ours
        rm -rf "$root/build/system/$kind" "$ours"
        mkdir -p "$root/build/system/$kind"
        cp -a "$stock" "$ours"
        "$root/tools/postfix-object" replace "$ours"
        for code in C ours; do
            "$root/scripts/sandbox.sh" "$0" --inside "$kind" "$code" "$stock" "$ours" && status=0 || status=1
            [ "$status" -eq 0 ] || broken=1
        done
        rm -rf "$ours"
    done
    exit "${broken:-0}"
fi

kind=$2
code=$3
tree=$4
# A shared build finds its libraries by an absolute path. So ours is mounted
# where the stock build is; the sandbox alone sees it.
[ "$code" = C ] || mount --bind "$5" "$tree"
program=test-system-$kind-$code
. "$root/scripts/checks.sh"
work=$root/build/system/$kind/$code
mkdir -p "$work/queue" "$work/mail"
for folder in queue mail; do
    mount -t tmpfs -o mode=755 "postfix-$folder" "$work/$folder"
done
trap '"$instance" stop "$work" >/dev/null 2>&1 || :' EXIT

# N different messages, one by one, arrive complete.
delivers() {
    rm -f "$work"/mail/inbox/new/* "$work"/sent/*
    "$instance" deliver "$work" "$1"
    "$instance" wait-mail "$work" "$1"
    "$instance" check "$work" "$1"
    is_empty
}
queue_is_empty() {
    [ "$("$instance" queue "$work")" -eq 0 ]
}
is_empty() {
    wait_until 60 queue_is_empty || die "mail is left in the queue"
}
log_has() {
    [ "$(grep -c -e "$1" "$work/log")" -ge "${2:-1}" ]
}
# Mails that smtp-source -N has numbered: each once, and no other.
each_once() {
    is_empty
    find "$work/mail/inbox/new" -type f -exec sed -n 's/^X-Original-To: //p' {} + | sort >"$work/arrived"
    [ "$(wc -l <"$work/arrived")" -eq "$1" ] || die "$(wc -l <"$work/arrived") messages arrived instead of $1"
    uniq -d "$work/arrived" >"$work/twice"
    [ ! -s "$work/twice" ] || die "arrived twice: $(head -n 3 "$work/twice")"
}

# Watched by strace: every skeleton at work.
start_watched() {
    "$instance" start "$work" \
        strace -f -qq --seccomp-bpf -o "$work/trace" -s 64 -x -v -e trace=execve,write -e signal=none
}
all_skeletons_work() {
    delivers 20
    "$instance" sendmail "$work" pickup
    "$instance" wait-mail "$work" 21
    echo QUIT | timeout 20 socat -t 15 - TCP:127.0.0.1:10035 | grep '^220'
    # They serve other daemons alone; what they make of this client is the same.
    for service in scache tlsproxy; do
        printf 'request\0none\0\0' | timeout 10 socat -u - "UNIX-CONNECT:$work/queue/private/$service" || :
    done
}
daemons_call() {
    "$root/tools/postfix-running" "$work" >"$work/running" && status=0 || status=$?
    cat "$work/running"
    if [ "$code" = ours ]; then
        [ "$status" -eq 0 ]
    else
        [ "$status" -eq 1 ] && ! grep -q '^ours' "$work/running"
    fi || die "not what a Postfix with the $code code should run"
    for daemon in smtpd cleanup virtual trivial-rewrite anvil scache pickup qmgr postscreen tlsproxy postlogd; do
        grep -q " $daemon " "$work/running" || die "$daemon is not among the running daemons"
    done
}
old_generation_ends() {
    "$instance" hold "$work"
    "$instance" reload "$work"
    "$instance" release "$work"
    for text in 'master_notify: status 1: Broken pipe' 'master disconnect -- exiting'; do
        wait_until 10 log_has "$text" || die "no '$text' in $work/log"
    done
    "$instance" stop "$work"
}
status_pipe() {
    "$root/scripts/status-messages.sh" "$work/trace" >"$work/status"
    [ "$(wc -l <"$work/status")" -gt 200 ] || die "only $(wc -l <"$work/status") status messages"
    # strace shows a daemon's environment, so the generation was compared.
    grep -q '"GENERATION=' "$work/trace"
    if grep MALFORMED "$work/status"; then
        die "not a whole message of a live child"
    fi
    for service in 127.0.0.1:10025 cleanup virtual rewrite anvil scache pickup qmgr 127.0.0.1:10035 tlsproxy postlog; do
        for status in TAKEN AVAIL; do
            cut -f 1,4 "$work/status" | grep -qx "$service	$status" || die "no $status of $service"
        done
    done
    awk -F '\t' '
        $5 == 12 { good++ }
        $4 != (next_status[$2] == "" ? "TAKEN" : next_status[$2]) { print "not in turn: " $0; bad = 1 }
        { next_status[$2] = $4 == "TAKEN" ? "AVAIL" : "TAKEN" }
        END { print NR " messages, " good " of them written; " length(next_status) " children"; exit bad }
    ' "$work/status"
}

start_again() {
    rm -f "$work"/mail/inbox/new/*
    # Not verbose, as in real life: the log would be most of the load.
    "$instance" service "$work" "127.0.0.1:10025/inet=127.0.0.1:10025 inet n - n - - smtpd"
    "$instance" start "$work"
    delivers 2
}

# Warnings that say something about the moment, not about the code: a clock that
# was read on both sides of a full second, a daemon that was asked for something
# while it made place for its successor, and whether scache reads what its client
# above has sent before it sees that the client has left.
by_chance='file system clock is|resetting file time stamps|problem talking to (server|service) |unrecognized request: "none"'

# What follows replaces and kills daemons at work, and what they complain about
# then is chance.
no_other_warnings() {
    "$instance" warnings "$work" >"$work/warnings.all"
    awk -v by_chance="$by_chance" '$0 !~ by_chance' "$work/warnings.all" >"$work/warnings"
    cat "$work/warnings"
    [ "$code" = ours ] || return 0
    [ -f "${work%/*}/C/warnings" ] || die "there are no warnings of the stock build to compare with"
    diff "${work%/*}/C/warnings" "$work/warnings" >"$work/warnings.diff" || :
    if grep '^>' "$work/warnings.diff"; then
        die "these are not in the stock build's log"
    fi
}

# A load that goes on until the file "enough" exists. smtp-source may not fail.
load() {
    while [ ! -f "$work/enough" ]; do
        "$instance" send "$work" -s 5 -m 100 || return 1
        echo 100 >>"$work/loaded"
    done
}
newest_generation() {
    "$instance" children "$work" | awk '$2 > newest { newest = $2 } END { print newest + 0 }'
}
only_newer_than() {
    [ "$("$instance" children "$work" | awk -v old="$1" '$2 <= old' | wc -l)" -eq 0 ]
}
reloads_under_load() {
    rm -f "$work"/mail/inbox/new/* "$work/enough" "$work/loaded"
    trap ': >"$work/enough"' EXIT
    load &
    loader=$!
    wait_until 30 has_loaded
    for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        before=$(newest_generation)
        [ "$before" -gt "${last:-0}" ] || die "generation $before in round $round, after ${last:-0}"
        last=$before
        "$instance" reload "$work"
        wait_until 20 only_newer_than "$before" ||
            die "round $round: children of the old generation stay: $("$instance" children "$work")"
        wait_until 20 has_newer_than "$before"
    done
    : >"$work/enough"
    wait "$loader" || die "a client was turned away"
    total=$(awk '{ n += $1 } END { print n }' "$work/loaded")
    echo "$total messages during 20 reloads"
    # A reload can take the place of the trigger that qmgr was to get.
    wait_until 60 flushed || die "mail is left in the queue"
    arrived=$(find "$work/mail/inbox/new" -type f | wc -l)
    [ "$arrived" -eq "$total" ] || die "$arrived of $total messages arrived"
}
has_loaded() {
    [ -s "$work/loaded" ]
}
has_newer_than() {
    [ "$(newest_generation)" -gt "$1" ]
}

# From the log's line $1 on.
log_since() {
    tail -n "+$(($1 + 1))" "$work/log"
}
one_client_per_process() {
    "$instance" postconf "$work" max_use=1
    "$instance" reload "$work"
    from=$(wc -l <"$work/log")
    delivers 20
    log_since "$from" | grep -o 'smtpd\[[0-9]*\]: connect from' | sort | uniq -c >"$work/uses"
    "$instance" postconf "$work" max_use=100
    "$instance" reload "$work"
    [ "$(wc -l <"$work/uses")" -eq 20 ]
    [ "$(awk '$1 != 1' "$work/uses" | wc -l)" -eq 0 ]
}

pids_of() {
    "$instance" children "$work" | awk -v program="$1" '$3 == program { print $1 }'
}

process_limit() {
    "$instance" service "$work" "127.0.0.1:10025/inet=127.0.0.1:10025 inet n - n - 2 smtpd"
    "$instance" reload "$work"
    "$instance" hold "$work" a
    "$instance" hold "$work" b
    "$instance" hold "$work" c later
    sleep 2
    [ "$(pids_of smtpd | wc -l)" -eq 2 ]
    [ ! -s "$work/session.c.out" ] || die "a third client was served"
    "$instance" release "$work" a
    wait_until 10 grep -q '^220' "$work/session.c.out" || die "the third client is not served"
    "$instance" release "$work" b
    "$instance" release "$work" c
    delivers 5
    "$instance" service "$work" "127.0.0.1:10025/inet=127.0.0.1:10025 inet n - n - - smtpd"
    "$instance" reload "$work"
}

queue_has() {
    [ "$("$instance" queue "$work")" -eq "$1" ]
}
restart_with_mail() {
    rm -f "$work"/mail/inbox/new/*
    "$instance" postconf "$work" defer_transports=virtual
    "$instance" reload "$work"
    "$instance" send "$work" -m 10
    wait_until 20 queue_has 10
    "$instance" stop "$work"
    "$instance" postconf "$work" defer_transports=
    "$instance" start "$work"
    "$instance" wait-mail "$work" 10
    is_empty
    [ "$(find "$work/mail/inbox/new" -type f | wc -l)" -eq 10 ]
}

ten_thousand() {
    rm -f "$work"/mail/inbox/new/*
    from=$(wc -l <"$work/log")
    "$instance" send "$work" -N -s 20 -m 10000
    "$instance" wait-mail "$work" 10000 300
    each_once 10000
    log_since "$from" >"$work/log.load"
    if grep -E ' (warning|error|fatal|panic): ' "$work/log.load" | grep -vE "$by_chance"; then
        die "the log complains"
    fi
}
# Nobody reads half a message, or one that is not of this protocol, whatever has
# happened to the senders.
master_understands() {
    if grep -E '/master\[[0-9]+\]: .*(status update \(|unknown status|fatal: |panic: )' "$work/log"; then
        die "master complains about its children's status messages"
    fi
}

killed_sessions() {
    for name in a b c; do
        "$instance" hold "$work" "$name"
    done
    from=$(wc -l <"$work/log")
    pids_of smtpd | while read -r pid; do
        kill -9 "$pid"
    done
    wait_until 10 log_tells_kills 3
    for name in a b c; do
        kill "$(cat "$work/session.$name.holder")"
    done
    delivers 20
}
log_tells_kills() {
    [ "$(log_since "$from" | grep -c 'killed by signal 9')" -ge "$1" ]
}
# Mail that was being delivered may arrive twice then, as Postfix says.
killed_deliveries() {
    rm -f "$work"/mail/inbox/new/*
    from=$(wc -l <"$work/log")
    "$instance" send "$work" -N -s 5 -m 3000 &
    sender=$!
    wait_until 20 log_has 'to=<[0-9]*inbox@mail.example>, relay=virtual.*status=sent'
    for round in 1 2 3 4 5; do
        for program in virtual trivial-rewrite qmgr; do
            pids_of "$program" | head -n 1 | while read -r pid; do
                kill -9 "$pid" || :
            done
        done
        sleep 0.3
    done
    wait "$sender"
    log_tells_kills 5
    wait_until 60 flushed || die "mail is left in the queue"
    find "$work/mail/inbox/new" -type f -exec sed -n 's/^X-Original-To: //p' {} + | sort -u >"$work/arrived"
    [ "$(wc -l <"$work/arrived")" -eq 3000 ] || die "$(wc -l <"$work/arrived") of 3000 messages arrived"
}
flushed() {
    "$instance" flush "$work"
    sleep 1
    queue_is_empty
}
has_ended() {
    ! readlink "/proc/$1/exe" >/dev/null
}
# The children learn of it from the status pipe.
killed_master() {
    old=$("$instance" children "$work" | cut -d ' ' -f 1)
    kill -9 "$("$instance" master-pid "$work")"
    for pid in $old; do
        wait_until 20 has_ended "$pid" || die "process $pid stays"
    done
    "$instance" start "$work"
    delivers 5
    "$instance" stop "$work"
}

"$instance" create "$work" "$tree"
# What faults stop, goes on soon.
"$instance" postconf "$work" service_throttle_time=1s transport_retry_time=1s queue_run_delay=1s \
    minimal_backoff_time=1s
title="$kind, $code"
check "$title: start under strace" start_watched
check "$title: mail through all five skeletons" all_skeletons_work
check "$title: daemons of all five skeletons call this code" daemons_call
check "$title: the old generation ends after a reload" old_generation_ends
check "$title: the status pipe" status_pipe
check "$title: start again" start_again
check "$title: no warning so far that the C code does not give" no_other_warnings
check "$title: 20 reloads under load" reloads_under_load
check "$title: max_use = 1" one_client_per_process
check "$title: process limit reached and released" process_limit
check "$title: restarted with mail in the queue" restart_with_mail
check "$title: 10000 messages from 20 sessions, each once, no warning" ten_thousand
check "$title: busy smtpd processes killed" killed_sessions
check "$title: delivery processes and qmgr killed under load" killed_deliveries
check "$title: master killed: its children end, mail goes on" killed_master
check "$title: master has understood every status message" master_understands
end_checks "system-$kind-$code"
