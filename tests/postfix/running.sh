# The tests of tools/postfix-running, each a function:
#
#   sh -eux tests/postfix/running.sh FUNCTION [QUEUE-DIRECTORY MASTER-PID RELOAD-COMMAND]
#
# shellcheck shell=sh disable=SC2013,SC2046,SC2086 # command lines, numbers, file names
set -eu
unset CDPATH
queue=${2-} master=${3-} reload=${4-}
# Where an ordinary user can reach it.
cp -R tools "$TMPDIR/tools"
running=$TMPDIR/tools/postfix-running

# shellcheck source=tests/postfix/trees.sh
. "$CHECKOUT/tests/postfix/trees.sh"

without_ptrace='setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace'
# start COMMAND...: a process called master with these children, and all have the rights
# that they have in a default container. Children that end stay zombies.
start() {
    # shellcheck disable=SC2016 # for that shell
    $without_ptrace sh -c 'for command; do $command & done; exec "$TMPDIR/master"' sh "$@" >/dev/null 2>&1 &
    master=$!
    until is_complete; do
        kill -0 "$master"
        sleep 0.1
    done
}
# Each process has become what the commands say.
is_complete() {
    [ "$(cat "/proc/$master/comm")" = master ] || return 1
    for child in $(cat "/proc/$master/task/$master/children"); do
        case $(cat "/proc/$child/comm") in sh | setpriv) return 1 ;; esac
    done
}
# $TMPDIR/ours, c and master: programs with a master_notify that stay.
compile() {
    echo 'int pause(void); int master_notify(int, unsigned, int);' >"$TMPDIR/main.c"
    echo 'int main(void) { return pause() && master_notify(1, 2, 3); }' >>"$TMPDIR/main.c"
    echo 'int master_notify(int pid, unsigned gen, int status) { return pid && gen && status; }' >"$TMPDIR/c.c"
    cc -w -o "$TMPDIR/ours" "$TMPDIR/main.c" build/master_proto.o
    cp "$TMPDIR/ours" "$TMPDIR/master"
    cc -w -o "$TMPDIR/c" "$TMPDIR/main.c" "$TMPDIR/c.c"
}

status_0_means_that_all_call_ours() {
    compile
    start "$TMPDIR/ours" "$TMPDIR/ours" 'sleep 1000'
    ends 0 'all 2 daemons .* call our code' "$running" "$master"
    start "$TMPDIR/ours" /bin/true
    until grep -s "^PPid:.$master\$" $(grep -ls '^State:.Z' /proc/[0-9]*/status); do sleep 0.1; done
    ends 0 'all 1 daemons .* call our code' "$running" "$master"
    start "$TMPDIR/ours" "$TMPDIR/c"
    ends 1 '1 of the 2 daemons .* do not call our code' "$running" "$master"
    start 'sleep 1000'
    ends 2 'has no child that calls master_notify' "$running" "$master"
}

# Not even if all that it sees are ours.
without_cap_sys_ptrace_it_cannot_tell() {
    compile
    start "$TMPDIR/ours" "setpriv --reuid=daemon $TMPDIR/c"
    ends 2 'cannot tell of 1 of the 2 daemons .* in a container with CAP_SYS_PTRACE' \
        $without_ptrace "$running" "$master"
    grep '^? .* c ' "$TMPDIR/said"
    start "$TMPDIR/c" "setpriv --reuid=daemon $TMPDIR/c"
    ends 1 '1 of the 2 daemons .* do not call our code' $without_ptrace "$running" "$master"
}

an_ordinary_user_is_told_to_be_root() {
    for argument in "$queue" "$master"; do
        ends 2 'as daemon. Run this as root' \
            setpriv --reuid=daemon --regid=daemon --clear-groups "$running" "$argument"
        [ "$(wc -l <"$TMPDIR/said")" -eq 1 ]
    done
}

only_the_master_of_that_queue_directory_will_do() {
    other=$TMPDIR/other
    mkdir -p "$other/pid"
    ends 2 'has no pid/master.pid' "$running" "$other"
    cp "$queue/pid/master.pid" "$other/pid"
    ends 2 'is the master of another queue directory' "$running" "$other"
    echo $$ >"$other/pid/master.pid"
    ends 2 'is not a running Postfix master' "$running" "$other"
    ends 2 'neither a process number nor a directory' "$running" '12 34'
}

a_process_number_may_have_blanks() {
    ends 0 'call our code' "$running" "   $master "
    ends 0 'call our code' "$running" "$(cat "$queue/pid/master.pid")"
}

# Those that end meanwhile are left out, and none of the others. Nothing is printed but
# what is to be seen.
during_reloads_it_tells_the_truth() {
    told=0
    for _ in $(seq "${RUNS:-25}"); do
        env $reload 2>/dev/null &
        status=0
        "$running" "$queue" >"$TMPDIR/said" 2>&1 || status=$?
        cat "$TMPDIR/said"
        case $status in
        0)
            grep -c -v -e '^ours  *[0-9]* ' -e "^all .* daemons of master, process $master, call our code" \
                "$TMPDIR/said" | grep -x 0
            told=$((told + 1))
            ;;
        2) grep -x '.* has no child that calls master_notify at the moment' "$TMPDIR/said" ;;
        *) exit 1 ;;
        esac
        wait $!
    done
    [ "$told" -gt 5 ]
}

"$1"
