#!/bin/sh
# Runs a command with a process table, a network and user files of its own:
# sandbox.sh COMMAND [ARGUMENT...]
#
# Inside, 127.0.0.1 is the only address, and the users and groups that Postfix
# wants exist. When the command ends, every process that it left is ended with
# it; the host has seen neither users nor ports.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

# passable FOLDER: for users who are neither its owner nor in its group.
passable() {
    [ -n "$(find "$1" -maxdepth 0 -perm -001)" ]
}

if [ "${1:-}" != --inside ]; then
    [ "$(id -u)" -eq 0 ] ||
        die "root is needed, since master(8) starts as root. Run it again as root (sudo make ...)."
    need unshare mount ip
    for folder in "$root" "$root/build"; do
        [ ! -d "$folder" ] || passable "$folder" ||
            die "Postfix's daemons drop root and cannot pass through $folder. Run: chmod o+x '$folder'"
    done
    state=$(mktemp -d)
    trap 'rm -rf "$state"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    unshare --mount --net --ipc --pid --fork --kill-child --mount-proc \
        "$0" --inside "$state" "$@" && status=0 || status=$?
    exit "$status"
fi

state=$2
shift 2
umask 022
cp /etc/passwd /etc/group "$state"
printf '127.0.0.1 localhost\n' >"$state/hosts"

# Users and groups that the host lacks get numbers that it lacks.
unused_id() {
    id=64000
    while cut -d: -f3 "$state/passwd" "$state/group" | grep -qx "$id"; do
        id=$((id - 1))
    done
    echo "$id"
}
if ! grep -q '^postfix:' "$state/group"; then
    echo "postfix:x:$(unused_id):" >>"$state/group"
fi
if ! grep -q '^postdrop:' "$state/group"; then
    echo "postdrop:x:$(unused_id):" >>"$state/group"
fi
if ! grep -q '^postfix:' "$state/passwd"; then
    gid=$(sed -n 's/^postfix:[^:]*:\([0-9]*\):.*/\1/p' "$state/group")
    echo "postfix:x:$(unused_id):$gid::/nonexistent:/usr/sbin/nologin" >>"$state/passwd"
fi
for file in passwd group hosts; do
    # A minimal system has no hosts file; all addresses are numbers anyway.
    [ -f "/etc/$file" ] || continue
    chmod 644 "$state/$file"
    mount --bind "$state/$file" "/etc/$file"
done
ip link set lo up

# A folder above the checkout may be closed to Postfix's daemons, as /root often
# is. In here, it is replaced by one that leads to the checkout alone.
folder=$root
closed=
while [ "$folder" != / ]; do
    folder=$(dirname "$folder")
    passable "$folder" || closed=$folder
done
if [ -n "$closed" ]; then
    mkdir "$state/checkout"
    mount --bind "$root" "$state/checkout"
    mount -t tmpfs -o mode=755 tmpfs "$closed"
    mkdir -p "$root"
    mount --move "$state/checkout" "$root"
fi

# Postfix takes no folder with a space in its name. In here, such a checkout is
# /mnt, and so it is called in the command; lib.sh knows its name outside.
case $root in
*[[:space:]]*)
    mount --bind "$root" /mnt
    HOST_ROOT=$root
    export HOST_ROOT
    count=$#
    while [ "$count" -gt 0 ]; do
        case $1 in
        "$root"/*) set -- "$@" "/mnt${1#"$root"}" ;;
        *) set -- "$@" "$1" ;;
        esac
        shift
        count=$((count - 1))
    done
    root=/mnt
    ;;
esac
cd "$root"

# Not exec: this shell is the first process of the sandbox, which must outlive
# the command's orphans.
"$@"
