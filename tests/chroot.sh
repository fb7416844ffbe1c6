#!/bin/sh
# Makes a minimal chroot of a Debian suite with make(1) in it, lets mmdebstrap(1) work
# on it with these options, and removes it. That is a step called TITLE, with its log in
# build/log/NAME-SUITE.log; lines of it that begin with "== " are shown in the end.
#
#   tests/chroot.sh SUITE TITLE NAME --customize-hook=HOOK...
set -eu
unset CDPATH
umask 022
cd "$(dirname "$0")/.."
suite=$1 title=$2 log=build/log/$3-$1.log here=build/chroot
shift 3
case $suite in
'' | *[!a-z]*)
    echo "SUITE=$suite is no name of a Debian suite, such as bookworm, trixie or sid." >&2
    exit 1
    ;;
esac
mkdir -p $here
tests/apt-sources.sh deb "$suite" >$here/sources.list
# mmdebstrap takes no settings, such as a proxy, from this machine's apt.
{
    apt-config --no-empty dump Acquire | grep '^Acquire::\(https\?::\|Check-Valid\)' | grep -v Auto-Detect || :
    echo 'Acquire::Retries "3";'
} >$here/apt.conf
# The package ca-certificates takes these in when it is installed.
certificates=/usr/local/share/ca-certificates
[ ! -d $certificates ] || set -- --customize-hook="copy-in $certificates /usr/local/share" "$@"
set -- --variant=minbase --format=null --include=make --aptopt=$here/apt.conf "$@" "$suite" /dev/null $here/sources.list
if [ "$(id -u)" -eq 0 ]; then
    # As an ordinary user mmdebstrap does this itself: mounts and processes go with it.
    set -- unshare --mount --pid --fork --kill-child --mount-proc mmdebstrap --mode=root "$@"
else
    set -- mmdebstrap --mode=unshare "$@"
fi
export TMPDIR=/var/tmp # /tmp may be small, and a home closed to others.
tests/step.sh "$title, in a minimal chroot of $suite" "$log" "$@"
sed -n 's/^== /       /p' "$log"
