#!/bin/sh
# The throughput of a Postfix with our object beside one with its own, and the
# memory of their daemons:
#
#   mail.sh FOLDER KIND PAIRS MESSAGES STOCK-TREE OUR-TREE
#
# Both run at once on 127.0.0.1 and take MESSAGES by turns, over SMTP into a
# maildir; FOLDER becomes a file system in memory. Prints CSV, either
#   mail,KIND,pair,messages a second with ours,messages a second with C
#   memory,KIND,daemon,kilobytes with ours,kilobytes with C
# Call it inside scripts/sandbox.sh, as root.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
instance=$root/scripts/instance.sh
[ $# -eq 6 ] || die "usage: mail.sh FOLDER KIND PAIRS MESSAGES STOCK-TREE OUR-TREE"
folder=$1
kind=$2
pairs=$3
messages=$4

stock_tree=$5
our_tree=$6
object=src/master/master_proto.o

# start NAME TREE: a quiet instance, since logging each call is no load. A
# shared build finds its libraries by an absolute path, so TREE is mounted where
# the stock build is; only this instance sees it.
start() {
    "$instance" create "$folder/$1" "$stock_tree"
    "$instance" service "$folder/$1" "127.0.0.1:$PORT/inet=127.0.0.1:$PORT inet n - n - - smtpd"
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh \
        "$2" "$stock_tree" "$instance" start "$folder/$1"
    cmp "/proc/$("$instance" master-pid "$folder/$1")/root$stock_tree/$object" "$2/$object" ||
        die "the instance in $folder/$1 does not run from $2"
}

# rate NAME PORT NUMBER: messages a second, from the first connection to the
# file time of the last delivery, which no polling blurs.
rate() {
    inbox=$folder/$1/mail/inbox/new
    begin=$(date +%s.%N)
    PORT=$2 "$instance" send "$folder/$1" -s 10 -m "$3" -l 2000
    "$instance" wait-mail "$folder/$1" "$3" 120
    end=$(find "$inbox" -type f -printf '%T@\n' | sort -n | tail -n 1)
    wait_until 30 queue_is_empty "$1" || die "mail is left in the queue of $folder/$1"
    find "$inbox" -type f -delete
    awk -v n="$3" -v begin="$begin" -v end="$end" 'BEGIN { printf "%.2f\n", n / (end - begin) }'
}

queue_is_empty() {
    [ "$("$instance" queue "$folder/$1")" -eq 0 ]
}

# private NAME: for one process of each daemon, the pages of its program and of
# the library with master_notify that it had to have of its own.
private() {
    "$instance" children "$folder/$1" | LC_ALL=C sort -u -k 3,3 | while read -r pid _ daemon _; do
        # It may end meanwhile.
        awk -v daemon="$daemon" '
            /^[0-9a-f]+-[0-9a-f]+ / { mine = $6 ~ /\/(libexec\/[a-z-]+|libpostfix-master\.so)$/ }
            mine && $1 == "Anonymous:" { own += $2; found++ }
            END { if (found) print daemon "," own }' "/proc/$pid/smaps" || :
    done
}

# Their output is not for the table.
exec 3>&1 1>&2
mkdir -p "$folder"
mount -t tmpfs -o mode=755 tmpfs "$folder"
export PORT
PORT=10025
start stock "$stock_tree"
PORT=10030
start ours "$our_tree"

# The first messages start the daemons.
rate stock 10025 $((messages / 4 + 1))
rate ours 10030 $((messages / 4 + 1))
pair=0
while [ "$pair" -lt "$pairs" ]; do
    if [ $((pair % 2)) -eq 0 ]; then
        c=$(rate stock 10025 "$messages")
        ours=$(rate ours 10030 "$messages")
    else
        ours=$(rate ours 10030 "$messages")
        c=$(rate stock 10025 "$messages")
    fi
    echo "mail,$kind,$pair,$ours,$c" >&3
    pair=$((pair + 1))
done
private stock >"$folder/private.stock"
private ours >"$folder/private.ours"
LC_ALL=C join -t , "$folder/private.ours" "$folder/private.stock" >"$folder/private"
grep '^smtpd,' "$folder/private" || die "the memory map of an smtpd was not found in both instances"
sed "s/^/memory,$kind,/" "$folder/private" >&3
"$instance" stop "$folder/stock"
"$instance" stop "$folder/ours"
