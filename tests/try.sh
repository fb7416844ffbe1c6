#!/bin/sh
# `make try`: one service under a real master(8), on an address of its own.
#
#   tests/try.sh TREE PROGRAM [ARGUMENT...]
#
# Enter reloads; Ctrl-C or the end of the input stops. The standard output shows
# Postfix's log, and what the service writes to its standard output and error.
# $PROCESSES is the process limit, $MAIN_CF and $MASTER_CF are added to the
# configuration; the tests set more.
set -eu
unset CDPATH

refuse() {
    echo "try: $1" >&2
    exit 1
}
[ $# -gt 1 ] || refuse "name the service: make try SERVICE='path/to/program argument...'"
# Only root can start master; an ordinary user is root in a user namespace.
[ "$(id -u)" = 0 ] || exec unshare --map-root-user --map-auto "$0" "$@"

tree=$(realpath "$1")
program=$(realpath "$2")
if ! [ -f "$program" ] || ! [ -x "$program" ]; then
    refuse "$2 is not an executable file. Compile the service first."
fi
name=$(basename "$program" | tr -c 'A-Za-z0-9._\n-' _)
shift 2
address=${ADDRESS:-127.0.0.26:10026}

dir=$(mktemp -d "${TMPDIR:-/tmp}/try.XXXXXX")
master=
stop() {
    trap '' INT TERM
    trap - CHLD
    if [ "$master" ]; then
        # A signal that comes before setsid(1) runs is lost.
        while kill "$master" 2>/dev/null; do sleep 0.1; done
        wait
        # Processes that master does not count are in its group, too.
        kill -s KILL -- "-$master" 2>/dev/null || :
    fi
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 0' INT
trap 'exit 1' TERM

# Postfix takes no path with blanks, and daemons of another user get into this one.
chmod 755 "$dir"
mkdir -p "$dir/etc" "$dir/libexec" "$dir/data" "$dir/queue/pid" "$dir/queue/public" "$dir/queue/private"
chown daemon "$dir/data" "$dir/queue/public" "$dir/queue/private"
chmod 700 "$dir/data" "$dir/queue/private"
ln -s "$tree" "$dir/tree"
ln -s "$tree/libexec/postlogd" "$program" "$dir/libexec/"
[ -e "$dir/libexec/$name" ] || mv "$dir/libexec/$(basename "$program")" "$dir/libexec/$name"
cat >"$dir/etc/main.cf" <<END
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
daemon_directory = $dir/libexec
command_directory = $dir/tree/bin
meta_directory = $dir/tree/conf
shlib_directory = no
mail_owner = daemon
setgid_group = bin
inet_interfaces = loopback-only
inet_protocols = ipv4
maillog_file = ${LOG:=$dir/log}
maillog_file_prefixes = $LOG
${MAIN_CF-}
END
cat >"$dir/etc/master.cf" <<END
$address inet n - n - ${PROCESSES:-10} $name $*
${MASTER_CF-}
postlog unix-dgram n - n - 1 postlogd
END

# Postfix reads no main.cf that has changed within the last two seconds.
touch -t 200001010000 "$dir/etc/main.cf"
# master cannot tell what is wrong there: it has no log yet.
"$tree/bin/postconf" -c "$dir/etc" mail_name >/dev/null || refuse "correct MAIN_CF, the last lines of main.cf."
: >>"$LOG"

echo "$address is $program. Enter reloads $dir/etc/main.cf and master.cf; Ctrl-C stops."
# Without -d, the service would have no standard output and error; without
# POSTLOG_SERVICE, what is wrong at the start would not be in the log.
# shellcheck disable=SC2086 # none, one or more
POSTLOG_SERVICE=$dir/queue/public/postlog setsid "$tree/libexec/master" -c "$dir/etc" ${MASTER_FLAGS--d} </dev/null &
master=$!
# Postfix itself does not open /dev/stdout in a user namespace.
if [ "$LOG" = "$dir/log" ]; then
    tail -s 0.1 --pid="$master" -f "$LOG" &
fi
trap 'refuse "master has ended; its last lines tell why."' CHLD
while read -r _; do
    kill -HUP "$master"
done
