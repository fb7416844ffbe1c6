#!/bin/sh
# Follows README in a minimal chroot of a Debian suite, as root with the rights of a
# default container, with what is committed.
#
#   tests/suite.sh SUITE
set -eu
unset CDPATH
cd "$(dirname "$0")/.."
here=build/suite
rm -rf $here
mkdir -p $here
gcc -static -O2 -Wall -o $here/container tests/container.c
git -c safe.directory='*' clone --quiet . $here/master_proto
# shellcheck disable=SC2016 # mmdebstrap's shell gives $1
tests/chroot.sh "$1" "follow README" suite \
    --customize-hook="copy-in $here/container $here/master_proto /root" \
    --customize-hook='chroot "$1" /root/container /root/master_proto/tests/follow-readme.sh'
rm -rf $here
