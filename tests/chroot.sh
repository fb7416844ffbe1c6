#!/bin/sh
# Makes a minimal chroot of a Debian suite with make(1) in it, does there what hooks of
# mmdebstrap(1) say, and removes it. The hooks begin in the checkout.
#
#   tests/chroot.sh SUITE --customize-hook=HOOK...
set -eu
unset CDPATH
umask 022
cd "$(dirname "$0")/.."
suite=$1
shift
case $suite in
'' | *[!a-z]*)
    echo "SUITE=$suite is no name of a Debian suite, such as bookworm, trixie or sid." >&2
    exit 1
    ;;
esac
here=build/chroot
mkdir -p $here
tests/sources.sh deb "$suite" >$here/sources.list
# mmdebstrap takes no proxy from this machine's apt.
{
    apt-config --no-empty dump Acquire | grep '^Acquire::https\?::' | grep -v Auto-Detect || :
    echo 'Acquire::Retries "3";'
} >$here/apt.conf
# Nor certificates of its own, which the package ca-certificates would take in.
certificates=/usr/local/share/ca-certificates
[ ! -d $certificates ] || set -- --customize-hook="copy-in $certificates /usr/local/share" "$@"
if [ "$(id -u)" -eq 0 ]; then
    mode=root
    export TMPDIR="$PWD/$here" # /tmp may be small.
else
    mode=unshare
fi
mmdebstrap --mode=$mode --variant=minbase --format=null --include=make --aptopt=$here/apt.conf "$@" \
    "$suite" /dev/null $here/sources.list
