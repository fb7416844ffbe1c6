#!/bin/sh
# Fetches the distribution's own postfix package and unpacks it, with whatever
# libraries the host lacks for it; prints the folder. Nothing is installed.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
need apt-get dpkg

top=$root/build/postfix/debian-binary
if [ ! -f "$top/unpacked/usr/sbin/postfix" ]; then
    rm -rf "$top"
    mkdir -p "$top/packages/partial"
    "$root/scripts/apt.sh" host apt-get --quiet --yes -o "Dir::Cache::archives=$top/packages" \
        --no-install-recommends --download-only --reinstall install postfix >&2 ||
        die "cannot fetch the package 'postfix' with apt-get (its messages are above). Is there a network?"
    mkdir "$top/new"
    for package in "$top"/packages/postfix_*.deb "$top"/packages/lib*.deb; do
        [ ! -f "$package" ] || dpkg -x "$package" "$top/new"
    done
    mv "$top/new" "$top/unpacked"
fi
printf '%s\n' "$top/unpacked"
