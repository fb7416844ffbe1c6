#!/bin/sh
# Unpacks Postfix's source below build/postfix and prints the folder.
#
# POSTFIX_SRC names a source tree or a tarball of the user's, which is only
# read. Without it the source is fetched: on Debian and its kin, from the
# distribution's own source package.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

fetch() {
    mkdir -p "$1"
    (cd "$1" && "$root/scripts/apt.sh" source apt-get --quiet --download-only source postfix >&2)
}

# check TREE NAME: a Postfix with today's protocol, or an error about NAME.
check() {
    if [ ! -f "$1/src/master/master_proto.h" ] || [ ! -f "$1/makedefs" ]; then
        die "$2 is not a Postfix source: there is no src/master/master_proto.h or no makedefs in it." \
            "Name the top folder of an unpacked Postfix, or its tarball."
    fi
    grep -q 'master_notify(int, unsigned, int)' "$1/src/master/master_proto.h" ||
        die "$2 is older than Postfix 2.2: its master_notify() takes two arguments." \
            "This library speaks the protocol of Postfix 2.2 and later."
}

# unpack TARBALL FOLDER: without the packager's owners, not writable by others.
unpack() {
    mkdir "$2"
    tar -xf "$1" -C "$2" --strip-components=1 --no-same-owner 2>&1 ||
        return 1
    chmod -R go-w "$2"
}

from=${POSTFIX_SRC:-}
if [ -z "$from" ]; then
    top=$root/build/postfix/distribution
elif [ -d "$from" ]; then
    from=$(cd "$from" && pwd)
    check "$from" "POSTFIX_SRC=$from"
    top=$root/build/postfix/user-$({ echo "$from"; ls -lR "$from/src"; } | cksum | cut -d' ' -f1)
elif [ -f "$from" ]; then
    top=$root/build/postfix/user-$(cksum <"$from" | cut -d' ' -f1)
else
    die "POSTFIX_SRC=$from is neither a folder nor a file. Name an unpacked Postfix source or its tarball."
fi

if [ ! -d "$top/source" ]; then
    mkdir -p "$top"
    rm -rf "$top/new"
    if [ -z "$from" ]; then
        command -v apt-get >/dev/null 2>&1 ||
            die "there is no apt-get to fetch Postfix's source with. Set POSTFIX_SRC to a Postfix tree or tarball."
        rm -rf "$top/download"
        fetch "$top/download" ||
            die "cannot fetch the source package 'postfix' with apt-get (its messages are above)." \
                "Is there a network? POSTFIX_SRC= takes a Postfix tree or tarball instead."
        for from in "$top/download"/postfix_*.orig.tar.*; do
            case $from in
            *.asc) ;;
            *) break ;;
            esac
        done
    fi
    if [ -d "$from" ]; then
        cp -R "$from" "$top/new"
        rm -rf "$top/new/.git"
    else
        unpack "$from" "$top/new" >&2 || {
            rm -rf "$top/new"
            die "$from is not a tar archive that tar can read."
        }
        check "$top/new" "$from"
    fi
    mv "$top/new" "$top/source"
fi
printf '%s\n' "$top/source"
