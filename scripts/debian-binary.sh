#!/bin/sh
# Fetches the distribution's own postfix package and unpacks it, with whatever
# libraries the host lacks for it; prints the folder. Nothing is installed.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
need apt-get dpkg

top=$root/build/postfix/debian-binary
if [ ! -f "$top/unpacked/usr/sbin/postfix" ]; then
    apt=$top/apt
    rm -rf "$top"
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
    # Its own lists, made from the host's sources, and its own cache.
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$list" ] || cp "$list" "$apt/parts/"
    done
    set -- -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/parts" \
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" \
        -o APT::Sandbox::User=root -o Debug::NoLocking=1
    if ! { apt-get "$@" --quiet update &&
        apt-get "$@" --quiet --yes --no-install-recommends --download-only --reinstall install postfix; } >&2; then
        die "cannot fetch the package 'postfix' with apt-get (its messages are above). Is there a network?"
    fi
    mkdir "$top/new"
    for package in "$apt"/cache/archives/postfix_*.deb "$apt"/cache/archives/lib*.deb; do
        [ ! -f "$package" ] || dpkg -x "$package" "$top/new"
    done
    mv "$top/new" "$top/unpacked"
    rm -rf "$apt/lists"
fi
printf '%s\n' "$top/unpacked"
