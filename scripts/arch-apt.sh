#!/bin/sh
# Runs apt-get or apt-cache on another architecture's packages, without the
# host's apt or dpkg knowing: arch-apt.sh ARCHITECTURE PROGRAM ARGUMENT...
#
# ARCHITECTURE is Debian's name, or "source". Each has its own lists, cache and
# (empty) list of what is installed below build/arch/apt; the sources are the
# host's. apt refuses a source of which one architecture's list is stale, so
# they are not one, and above all not the host's.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

[ $# -ge 3 ] || die "usage: arch-apt.sh ARCHITECTURE|source apt-get|apt-cache ARGUMENT..."
command -v apt-get >/dev/null 2>&1 ||
    die "there is no apt-get here. The compilers and libraries of the other architectures are Debian's."
apt=$root/build/arch/apt/$1
types=deb
architecture=$1
if [ "$1" = source ]; then
    types=deb-src
    architecture=$(dpkg --print-architecture)
fi
shift

if [ ! -d "$apt/ready" ]; then
    rm -rf "$apt"
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/status"
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$list" ] || sed -n "s/^deb\([[:space:]]\)/$types\1/p" "$list"
    done >"$apt/parts/host.list"
    for list in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$list" ] || { sed "s/^Types:.*/Types: $types/" "$list"; echo; }
    done >"$apt/parts/host.sources"
    # Read after the host's configuration, whose hooks are about the host.
    cat >"$apt/apt.conf" <<END
#clear APT::Update;
#clear APT::Architectures;
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "root";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/parts";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
END
    # A list that the mirror is just replacing fails. That does harm only if it
    # is the one with our packages, and then the caller misses them.
    apt-get -c "$apt/apt.conf" --quiet update >&2 ||
        echo "arch-apt.sh: not all package lists were fetched" >&2
    mkdir "$apt/ready"
fi
program_of_apt=$1
shift
exec "$program_of_apt" -c "$apt/apt.conf" "$@"
