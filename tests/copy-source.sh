#!/bin/sh
# Copies a Postfix source of the user's, a directory or a tarball, to the directory
# TO, unless TO/.taken shows that the same is there. The source is only read.
#
#   tests/copy-source.sh SOURCE TO
set -eu
umask 022
from=$1 to=$2
die() {
    rm -rf "$to.new"
    printf '%s %s\n' "$from" "$*" >&2
    exit 1
}
[ -e "$from" ] ||
    die "is neither a directory nor a file. Name an unpacked Postfix source or its tarball."
facts=$(find "$from" -type f -exec cksum {} + | sort)
! [ -f "$to/.taken" ] || [ "$facts" != "$(cat "$to/.taken")" ] || exit 0

rm -rf "$to.new"
mkdir -p "$to.new"
if [ -d "$from" ]; then
    cp -R "$from/." "$to.new"
    rm -rf "$to.new/.git"
else
    tar -xf "$from" -C "$to.new" --strip-components=1 --no-same-owner ||
        die "is not a tar archive that tar can read."
fi
chmod -R u+w,a+rX,go-w "$to.new"

if ! [ -f "$to.new/src/master/master_proto.h" ] || ! [ -f "$to.new/makedefs" ]; then
    die "is not a Postfix source: it lacks src/master/master_proto.h or makedefs." \
        "Name the top directory of an unpacked Postfix, or its tarball."
fi
! grep -qE 'master_notify\([^,()]*,[^,()]*\)' "$to.new"/src/master/master_proto.[ch] ||
    die "is older than Postfix 2.2: its master_notify() takes two arguments." \
        "This library speaks the protocol of Postfix 2.2 and later."
version=$(sed -n 's/^#define MAIL_VERSION_NUMBER[[:space:]]*"\(.*\)"/\1/p' "$to.new/src/global/mail_version.h")
case $version in
[12].* | 3.[0-3] | 3.[0-3][.-]*)
    die "is Postfix $version. The demo and the tests need Postfix 3.4 or later, the first with a log" \
        "file of its own (maillog_file). For an older one, see docs/postfix.md."
    ;;
esac
echo "$facts" >"$to.new/.taken"
rm -rf "$to"
mv "$to.new" "$to"
