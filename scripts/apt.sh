#!/bin/sh
# Runs apt-get or apt-cache on the distribution's packages with lists and a
# cache of its own, without the host's apt or dpkg knowing:
#
#   apt.sh source PROGRAM ARGUMENT...         source packages
#   apt.sh ARCHITECTURE PROGRAM ARGUMENT...   as if nothing was installed
#   apt.sh host PROGRAM ARGUMENT...           as if what the host has was
#
# Each of them has a folder below build/apt. Where the packages come from is
# read from the host's configuration, which may lack the source entries. apt
# refuses a configuration of which one architecture's list is stale, so they do
# not share one.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

[ $# -ge 3 ] || die "usage: apt.sh source|ARCHITECTURE|host apt-get|apt-cache ARGUMENT..."
command -v apt-get >/dev/null 2>&1 ||
    die "there is no apt-get here, and what is to be fetched are packages of Debian or its kin."
need dpkg flock
apt=$root/build/apt/$1
types=deb
architecture=$(dpkg --print-architecture)
status=$apt/status
case $1 in
source) types=deb-src ;;
host) status=/var/lib/dpkg/status ;;
*) architecture=$1 ;;
esac
program_of_apt=$2
shift 2

# A mirror forgets the files that an old list names.
is_ready() {
    [ -n "$(find "$apt/ready" -mtime -1 2>/dev/null)" ]
}

get_ready() {
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
Debug::NoLocking "true";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/parts";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$status";
Dir::Cache "$apt/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
END
    # A list that the mirror is just replacing fails, and so may one that has
    # nothing to do with this project: then what there is serves for ten minutes.
    if apt-get -c "$apt/apt.conf" -o APT::Update::Error-Mode=any --quiet update >&2; then
        : >"$apt/ready"
    else
        [ -n "$(find "$apt/lists" -name '*_dists_*')" ] ||
            die "no package list could be fetched; apt's messages are above. Is there a network?"
        echo "apt.sh: not all package lists were fetched; apt's messages are above." >&2
        touch -d '23 hours ago 50 minutes ago' "$apt/ready"
    fi
}

# The lists stay as they are while somebody uses them.
mkdir -p "$root/build/apt"
exec 9>"$apt.lock"
flock --shared 9
if ! is_ready; then
    flock --exclusive 9
    is_ready || get_ready
    flock --shared 9
fi
exec "$program_of_apt" -c "$apt/apt.conf" "$@"
