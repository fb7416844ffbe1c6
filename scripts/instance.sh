#!/bin/sh
# A private Postfix instance on 127.0.0.1, all of it in one folder.
#
#   instance.sh create DIR TREE        a configuration for the Postfix in TREE
#   instance.sh start DIR [WRAPPER..]  start, under strace for example; waits
#   instance.sh reload|flush|stop DIR
#   instance.sh postconf DIR NAME=VALUE...   change main.cf
#   instance.sh service DIR NAME/TYPE=LINE   change master.cf (postconf -M)
#   instance.sh send DIR [SMTP-SOURCE-OPTION...]   wrapped in a time-out
#   instance.sh deliver DIR NUMBER     NUMBER different messages, one by one
#   instance.sh sendmail DIR TEXT      one message through sendmail(1) and pickup(8)
#   instance.sh check DIR NUMBER       each of them is in the mailbox, complete
#   instance.sh wait-mail DIR NUMBER [SECONDS]   until so many messages are delivered
#   instance.sh queue DIR              the number of messages in the queue
#   instance.sh hold DIR [NAME [later]]   open an SMTP session and keep it open;
#                                      later: without waiting for its greeting
#   instance.sh release DIR [NAME]     end it, and wait for its end
#   instance.sh master-pid DIR
#   instance.sh children DIR           pid, generation and command of each
#   instance.sh warnings DIR           what the log complains about, without numbers
#
# The programs run from TREE: a built source tree, or an unpacked Debian
# package. Call it inside scripts/sandbox.sh, as root. PORT in the environment
# is where it listens (10025, and postscreen ten above); instances differ in it.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

port=${PORT:-10025}
# The same through postscreen(8).
screened_port=$((port + 10))

# Where the programs of $tree are.
layout() {
    if [ -x "$tree/usr/sbin/postfix" ]; then
        daemons=$tree/usr/lib/postfix/sbin
        commands=$tree/usr/sbin
        meta=$tree/etc/postfix
        shlib=$tree/usr/lib/postfix
        # A package's programs look for the libraries where it is installed.
        LD_LIBRARY_PATH=$shlib
        for folder in "$tree"/usr/lib/*-linux-gnu*; do
            [ ! -d "$folder" ] || LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$folder
        done
        export LD_LIBRARY_PATH
        return 0
    fi
    daemons=$tree/libexec
    commands=$tree/bin
    meta=$tree/conf
    shlib=no
    [ ! -f "$tree/lib/libpostfix-util.so" ] || shlib=$tree/lib
}

create() {
    tree=$1
    layout
    mkdir -p "$dir/etc" "$dir/queue" "$dir/data" "$dir/mail"
    chown postfix "$dir/data" "$dir/mail"
    echo "$tree" >"$dir/tree"
    cat >"$dir/etc/main.cf" <<END
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
daemon_directory = $daemons
command_directory = $commands
meta_directory = $meta
shlib_directory = $shlib
sendmail_path = $commands/sendmail
mailq_path = $commands/mailq
newaliases_path = $commands/newaliases
mail_owner = postfix
setgid_group = postdrop
maillog_file = $dir/log
maillog_file_prefixes = $dir
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = host.example
mydestination =
local_recipient_maps =
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_client_event_limit_exceptions =
postscreen_cache_map =
disable_dns_lookups = yes
virtual_mailbox_domains = mail.example
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:$(id -u postfix)
virtual_gid_maps = static:$(id -g postfix)
virtual_mailbox_limit = 0
END
    [ "$commands" != "$tree/usr/sbin" ] ||
        echo "import_environment = $("$commands/postconf" -c "$dir/etc" -dh import_environment) LD_LIBRARY_PATH=$LD_LIBRARY_PATH" \
            >>"$dir/etc/main.cf"
    # One smtpd is verbose: its log shows each call of master_notify.
    cat >"$dir/etc/master.cf" <<END
127.0.0.1:$port inet n - n - - smtpd -v
127.0.0.1:$screened_port inet n - n - 1 postscreen
smtpd pass - - n - - smtpd
tlsproxy unix - - n - 0 tlsproxy
dnsblog unix - - n - 0 dnsblog
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
END
}

postfix() {
    "$commands/postfix" -c "$dir/etc" "$@"
}

port_is_open() {
    echo QUIT | timeout 5 socat -t 2 - "TCP:127.0.0.1:$port" 2>/dev/null | grep -q '^220'
}

start() {
    if [ $# -eq 0 ]; then
        postfix start
    else
        # A tracer lives as long as what it traces.
        setsid "$@" "$commands/postfix" -c "$dir/etc" start >"$dir/start.log" 2>&1 </dev/null &
    fi
    wait_until 30 port_is_open ||
        die "Postfix does not answer on 127.0.0.1:$port. Its log: $dir/log"
}

# Until master has closed the status pipes of the children that it had: it is
# told by a signal, and acts on it in its own time.
reload() {
    master=/proc/$(master_pid)
    tr ' ' '\n' <"$master/task/${master#/proc/}/children" | while read -r child; do
        # Between fork and exec, 5 is something else.
        [ "$(readlink "/proc/$child/exe")" = "$(readlink "$master/exe")" ] || readlink "/proc/$child/fd/5" || :
    done >"$dir/pipes"
    postfix reload
    wait_until 30 has_closed_pipes || die "master does not reload. Its log: $dir/log"
}
has_closed_pipes() {
    [ -d "$master" ] && ! find "$master/fd" -printf '%l\n' 2>/dev/null | grep -qF -f "$dir/pipes"
}

master_pid() {
    tr -d ' ' <"$dir/queue/pid/master.pid"
}

stop() {
    pid=$(master_pid)
    postfix stop
    wait_until 30 is_gone "$pid" || die "master, process $pid, does not stop. Its log: $dir/log"
}

is_gone() {
    ! kill -0 "$1" 2>/dev/null
}

send() {
    timeout 300 "$commands/smtp-source" -f sender@mail.example -t inbox@mail.example \
        "$@" "127.0.0.1:$port"
}

# Lines with leading dots, of full length and without text: what transport
# could damage.
message() {
    printf 'From: sender@mail.example\nTo: inbox@mail.example\nSubject: message %s\n\n' "$1"
    printf 'message %s begins\n.\n..\n.dot\n\n' "$1"
    printf '%0990d\n' "$1"
    awk -v n="$1" 'BEGIN { for (i = 0; i < 100; i++) printf "line %d of message %d\n", i, n }'
    printf 'message %s ends\n' "$1"
}

deliver() {
    mkdir -p "$dir/sent"
    number=1
    while [ "$number" -le "$1" ]; do
        message "$number" >"$dir/sent/$number"
        send -F "$dir/sent/$number"
        number=$((number + 1))
    done
}

sendmail() {
    printf 'Subject: %s\n\n%s\n' "$1" "$1" |
        "$commands/sendmail" -C "$dir/etc" -f sender@mail.example inbox@mail.example
}

body() {
    sed '1,/^$/d' "$1"
}

check() {
    checked=0
    for file in "$dir"/mail/inbox/new/*; do
        [ -f "$file" ] || continue
        number=$(sed -n 's/^Subject: message \([0-9]*\)$/\1/p' "$file")
        [ -n "$number" ] || continue
        # smtp-source -F adds an empty line.
        { body "$dir/sent/$number"; echo; } >"$dir/want"
        body "$file" >"$dir/got"
        cmp "$dir/want" "$dir/got" || die "message $number arrived damaged: $file"
        [ ! -f "$dir/seen.$number" ] || die "message $number arrived twice: $file"
        : >"$dir/seen.$number"
        checked=$((checked + 1))
    done
    rm -f "$dir"/seen.* "$dir/want" "$dir/got"
    [ "$checked" -eq "$1" ] || die "$checked of $1 messages arrived in $dir/mail/inbox/new"
    echo "$checked messages arrived complete"
}

mail_count() {
    find "$dir/mail/inbox/new" -type f 2>/dev/null | wc -l
}

has_mail() {
    [ "$(mail_count)" -ge "$1" ]
}

wait_mail() {
    wait_until "${2:-60}" has_mail "$1" ||
        die "only $(mail_count) of $1 messages were delivered. Postfix's log: $dir/log"
}

queue() {
    find "$dir/queue/incoming" "$dir/queue/active" "$dir/queue/deferred" "$dir/queue/maildrop" \
        "$dir/queue/hold" "$dir/queue/corrupt" -type f | wc -l
}

# The session's input is a FIFO that a sleeping process keeps open.
session() {
    session=$dir/session${1:+.$1}
}
hold() {
    session "$@"
    rm -f "$session.in" "$session.out"
    mkfifo "$session.in"
    socat -t 10 - "TCP:127.0.0.1:$port" <"$session.in" >"$session.out" 2>&1 &
    echo $! >"$session.pid"
    sleep 300 >"$session.in" &
    echo $! >"$session.holder"
    # "later": the caller waits for the greeting, which may take its time.
    [ "${2:-}" = later ] || wait_until 10 grep -q '^220' "$session.out" ||
        die "no SMTP greeting in $session.out"
}

release() {
    session "$@"
    printf 'QUIT\r\n' >"$session.in"
    wait_until 10 grep -q '^221' "$session.out" || die "the session did not end well: $session.out"
    kill "$(cat "$session.holder")"
    wait_until 10 is_gone "$(cat "$session.pid")" || kill "$(cat "$session.pid")"
}

# What /proc says; a child may end meanwhile.
children() {
    master=$(master_pid)
    tr ' ' '\n' <"/proc/$master/task/$master/children" | while read -r child; do
        { tr '\0' '\n' <"/proc/$child/environ" && echo && tr '\0' ' ' <"/proc/$child/cmdline"; } 2>/dev/null |
            awk -v pid="$child" '
                sub(/^GENERATION=/, "") { gen = 0; for (i = 1; i <= length($0); i++) gen = gen * 8 + substr($0, i, 1) }
                { last = $0 }
                END { if (gen) print pid, gen, last }'
    done
}

warnings() {
    sed -n 's/.* postfix[^ ]*\/\([a-z-]*\)\[[0-9]*\]: \(\(warning\|error\|fatal\|panic\): .*\)/\1: \2/p' "$dir/log" |
        sed -e "s|$dir|DIR|g" -e "s|$tree|TREE|g" -e 's/[0-9A-F]\{8,\}/N/g' -e 's/[0-9][0-9]*/N/g' |
        sort -u
}

[ $# -ge 2 ] || die "usage: instance.sh COMMAND DIR [ARGUMENT...]; the commands are at the top of $0"
command=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
shift 2
if [ -f "$dir/tree" ]; then
    tree=$(cat "$dir/tree")
    layout
fi
case $command in
create | start | reload | stop | send | deliver | sendmail | check | queue | hold | release | children | warnings) "$command" "$@" ;;
wait-mail) wait_mail "$@" ;;
master-pid) master_pid ;;
flush) postfix flush ;;
postconf) "$commands/postconf" -c "$dir/etc" -e "$@" ;;
service) "$commands/postconf" -c "$dir/etc" -M -e "$@" ;;
*) die "unknown command '$command'; the commands are at the top of $0" ;;
esac
