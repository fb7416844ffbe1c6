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

if [ "${1:-}" != --inside ]; then
    [ "$(id -u)" -eq 0 ] ||
        die "root is needed, since master(8) starts as root. Run it again as root (sudo make ...)."
    need unshare mount ip
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
cp /etc/passwd /etc/group "$state"
printf '127.0.0.1 localhost\n' >"$state/hosts"

# add FILE NAME LINE: unless the host has that name; numbers that it lacks.
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
    chmod 644 "$state/$file"
    mount --bind "$state/$file" "/etc/$file"
done
ip link set lo up

# Not exec: this shell is the first process of the sandbox, which must outlive
# the command's orphans.
"$@"
