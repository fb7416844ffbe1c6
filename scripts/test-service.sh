#!/bin/sh
# Tests services of one's own in a real Postfix: examples/child.c, and the
# program in master_proto(7).
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
instance=$root/scripts/instance.sh
if [ "${1:-}" != --inside ]; then
    cd "$root"
    start_log service-build
    need cc socat strace mandoc unshare ip
    work=$root/build/service
    rm -rf "$work"
    mkdir -p "$work/libexec"
    {
        scripts/build.sh build
        tree=$(scripts/postfix-build.sh static)
        # master(8) takes every program from one folder.
        ln -s "$tree"/libexec/* "$work/libexec"
        cc -O2 -Wall -Wextra -Werror -I include -o "$work/libexec/child" examples/child.c build/libmaster_proto.a
        mandoc -T ascii man/master_proto.7 | scripts/man-example.sh >"$work/hello.c"
        cc -O2 -Wall -Wextra -Werror -o "$work/libexec/hello" "$work/hello.c"
    } >"$log" 2>&1 || die "cannot build Postfix or the services: see $log"
    exec scripts/sandbox.sh "$0" --inside "$tree" "$work"
fi

tree=$2
work=$3
. "$root/scripts/checks.sh"
trap '"$instance" stop "$work" >/dev/null 2>&1 || :' EXIT

# Service, program: one for each test, so that each test starts its own child.
services='
127.0.0.1:10026/inet=child
10027/inet=child
child/unix=child
127.0.0.1:10028/inet=child
127.0.0.1:10029/inet=child
127.0.0.1:10030/inet=hello
127.0.0.1:10031/inet=hello
127.0.0.1:10033/inet=child
127.0.0.1:10032/inet=child
'
# master restarts services in the order of master.cf.
last=127.0.0.1:10032
chrooted=127.0.0.1:10033/inet

# processes SERVICE: their ids.
processes() {
    for directory in /proc/[0-9]*; do
        case $(tr '\0' ' ' 2>/dev/null <"$directory/cmdline") in
        "child "*"-n $1 -t "* | "hello "*"-n $1 -t "*) echo "${directory#/proc/}" ;;
        esac
    done
}
# only_process SERVICE: there is one, and it waits for a client.
only_process() {
    found=$(processes "$1")
    [ "$(echo "$found" | wc -w)" -eq 1 ] || {
        echo "the processes of $1 should be one: $found" >&2
        return 1
    }
    wait_until 10 is_idle "$found"
    echo "$found"
}

is_alive() {
    kill -0 "$1" 2>/dev/null
}
is_gone() {
    ! is_alive "$1"
}
is_idle() {
    grep -q 'State:.S' "/proc/$1/status"
}
is_stopped() {
    grep -q 'State:.[tT]' "/proc/$1/status"
}
is_traced() {
    ! grep -q '^TracerPid:.0$' "/proc/$1/status"
}

generation_of() {
    tr '\0' '\n' <"/proc/$1/environ" | sed -n 's/^GENERATION=//p'
}

# echoed ADDRESS TEXT
echoed() {
    [ "$(echo "$2" | timeout 20 socat -t 10 - "$1")" = "$2" ]
}
greeted() {
    [ "$(timeout 20 socat -u "$1" -)" = hello ]
}

# reload: until master has closed the old pipes of all services.
reload() {
    echoed "TCP:$last" "the last"
    idle=$(only_process "$last")
    "$instance" reload "$work"
    wait_until 10 is_gone "$idle" || die "the idle child $idle of $last does not end after a reload"
}

no_root_left() {
    pid=$(only_process "$1")
    cat "/proc/$pid/status" >"$work/status"
    id=$(id -u nobody)
    group=$(id -g nobody)
    grep -E "^Uid:(.$id){4}\$" "$work/status"
    grep -E "^Gid:(.$group){4}\$" "$work/status"
    grep -E "^Groups:.$group *\$" "$work/status"
    grep -E '^CapEff:.0+$' "$work/status"
}

serves_from_chroot() {
    echoed "TCP:$1" "from the chroot"
    pid=$(only_process "$1")
    [ "$(readlink "/proc/$pid/root")" = "$(readlink -f "$work/queue")" ]
    no_root_left "$1"
}

speaks_through_both_sockets() {
    echoed TCP:127.0.0.1:10027 one
    echoed TCP:127.0.0.2:10027 two
    pid=$(only_process 10027)
    tr '\0' ' ' <"/proc/$pid/cmdline" | grep -e ' -s 2 '
}

# Another child of the service is idle at that time.
session_outlives_reload() {
    service=127.0.0.1:10028
    mkfifo "$work/session"
    timeout 60 socat -t 10 - "TCP:$service" <"$work/session" >"$work/session.out" 2>&1 &
    exec 8>"$work/session"
    echo before >&8
    wait_until 10 grep -qx before "$work/session.out"
    held=$(processes "$service")
    echoed "TCP:$service" "a second client"
    idle_child=$(processes "$service" | grep -vx "$held")
    [ "$(generation_of "$held")" != "$(generation_of "$idle_child")" ]

    reload
    wait_until 10 is_gone "$idle_child"
    echo after >&8
    wait_until 10 grep -qx after "$work/session.out"
    echoed "TCP:$service" "a client of the next generation"
    is_alive "$held"
    next=$(processes "$service" | grep -vx "$held")
    [ "$(generation_of "$held")" != "$(generation_of "$next")" ]

    exec 8>&-
    wait
    wait_until 10 is_gone "$held"
    is_alive "$next"
}

# The child is stopped as it returns from accept(2); then master reloads, so
# that TAKEN cannot be sent.
client_is_served_without_master() {
    service=$1
    served=$2
    "$served" "TCP:$service" first
    pid=$(only_process "$service")
    generation=$(generation_of "$pid")
    # strace has not seen its start, which status-messages.sh wants.
    printf '%s execve("", ["", "-n", "%s", "-t", "inet"])\n' "$pid" "$service" >"$work/trace"
    strace -f -qq -p "$pid" -s 64 -x -e trace=accept,accept4,poll,ppoll,write -e signal=none \
        -e inject=accept,accept4:signal=SIGSTOP:when=1 -o "$work/trace.new" &
    tracer=$!
    wait_until 10 is_traced "$pid"
    "$served" "TCP:$service" second &
    client=$!
    wait_until 10 is_stopped "$pid"
    reload
    kill -CONT "$pid"
    wait "$client"
    wait_until 10 is_gone "$pid"
    wait "$tracer" || :
    cat "$work/trace.new"
    cat "$work/trace.new" >>"$work/trace"
    # It ends with that, and does not wait for another client first.
    tail -n 1 "$work/trace.new" | grep -F 'write(5, '
    # Octal has a meaning from 8 on.
    [ "${#generation}" -ge 2 ]
    "$root/scripts/status-messages.sh" "$work/trace" >"$work/status"
    for status in TAKEN AVAIL; do
        printf '%s\t%s\t%d\t%s\t-1 EPIPE (Broken pipe)\n' "$service" "$pid" "0$generation" "$status"
    done | diff - "$work/status"
}

idle_child_ends_at_reload() {
    "$2" "TCP:$1" hello
    pid=$(only_process "$1")
    reload
    wait_until 10 is_gone "$pid"
}

nothing_odd_in_the_log() {
    grep 'reload -- version' "$work/log"
    ! grep -E 'exit status|killed by|throttling|partial|unknown status|panic|fatal' "$work/log"
}

child_wants_master() {
    refuses 'only master(8) starts this program' env -u GENERATION "$work/libexec/child" -t inet nobody
    refuses 'GENERATION is not an octal number' env GENERATION=9 "$work/libexec/child" -t inet nobody
    refuses 'is unknown, or is root' env GENERATION=1 "$work/libexec/child" -t inet root
    refuses 'is unknown, or is root' env GENERATION=1 "$work/libexec/child" -t inet no-such-user
    refuses 'of type inet or unix' env GENERATION=1 "$work/libexec/child" -t pass nobody
    refuses 'the command is: child USER' env GENERATION=1 "$work/libexec/child" -t inet
}

start() {
    # A second address, for a service with two listeners.
    ip address add 127.0.0.2/32 dev lo
    "$instance" create "$work" "$tree"
    "$instance" postconf "$work" "daemon_directory=$work/libexec" 'inet_interfaces=127.0.0.1, 127.0.0.2'
    for line in $services; do
        service=${line%%=*}
        chroot=n
        [ "$service" != "$chrooted" ] || chroot=y
        "$instance" service "$work" "$service=${service%/*} ${service#*/} n - $chroot - 10 ${line#*=} $(
            [ "${line#*=}" = hello ] || echo nobody
        )"
    done
    "$instance" start "$work"
}

step "start a private instance" start
check "a client by inet is served" echoed TCP:127.0.0.1:10026 "one line"
check "the child is not root any more" no_root_left 127.0.0.1:10026
check "a service with chroot: served from the queue directory" serves_from_chroot "${chrooted%/*}"
check "two listeners of one child" speaks_through_both_sockets
check "a client by unix is served" echoed "UNIX-CONNECT:$work/queue/public/child" "one line"
check "a session is held over a reload, and then the child ends" session_outlives_reload
check "TAKEN fails: the accepted client is served" client_is_served_without_master 127.0.0.1:10029 echoed
check "an idle child ends at a reload" idle_child_ends_at_reload 127.0.0.1:10026 echoed
check "master_proto(7): a client is served" greeted TCP:127.0.0.1:10030
check "master_proto(7): the child is not root any more" no_root_left 127.0.0.1:10030
check "master_proto(7): TAKEN fails: the accepted client is served" client_is_served_without_master 127.0.0.1:10031 greeted
check "master_proto(7): an idle child ends at a reload" idle_child_ends_at_reload 127.0.0.1:10030 greeted
check "master has no complaint" nothing_odd_in_the_log
check "by hand, the child refuses" child_wants_master
end_checks service
