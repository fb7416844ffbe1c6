#!/bin/sh
# Builds the Debian packages of /build into /out, in a chroot that is only for this, and
# with `test` checks them. tests/deb.sh runs it.
#
#   deb-in-chroot.sh build|test SUITE
set -eux
unset CDPATH
what=$1 suite=$2
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
[ "$what" = build ] ||
    tar -C / --one-file-system --exclude=./build -czf /build/base.tar.gz .
apt_get() { apt-get --quiet --yes --no-install-recommends "$@"; }
# Without a network.
as_builder() { unshare --net setpriv --reuid=builder --regid=builder --init-groups env HOME=/home/builder "$@"; }
build() { (cd "$1" && as_builder dpkg-buildpackage --unsigned-source --unsigned-changes); }

useradd --create-home builder
chown -R builder: /build
apt_get install build-essential pkgconf
apt_get build-dep /build/master-proto
build /build/master-proto
mkdir /out
cp /build/master-proto_* /build/*.deb /out
[ "$what" = test ] || exit 0

apt_get install lintian piuparts autopkgtest abigail-tools
as_builder lintian --pedantic --fail-on error,warning /out/*.changes
echo "== lintian: no errors and no warnings"

mkdir -m 777 /elsewhere
cp /build/*.orig.tar.gz /elsewhere
cp -R /build/master-proto /elsewhere/deeper
chown -R builder: /elsewhere
(umask 077 && export TZ=Asia/Tokyo && build /elsewhere/deeper)
for package in /out/*.deb; do cmp "$package" "/elsewhere/${package#/out/}"; done
echo "== a build elsewhere gives the same packages"

dpkg --install /out/*.deb
command=$(sed -n '/^abidiff -t /s|old/[^ ]*|--no-architecture packaging/abi/master_proto.abi|p' /build/master-proto/docs/abi.md)
library=$(readlink -f /usr/lib/*/libmaster_proto.so.1)
(cd /build/master-proto && eval "${command%new/*}--debug-info-dir2 /usr/lib/debug $library")
echo "== abidiff: the library has the promised interface"

piuparts -d "$suite" -b /build/base.tar.gz --keep-sources-list --no-eatmydata /out/*.deb
echo "== piuparts: the packages can be installed and purged"

autopkgtest /out/libmaster-proto1_*.deb /out/libmaster-proto-dev_*.deb /build/master-proto/ -- null
echo "== autopkgtest: programs link with them, and the suite's Postfix runs with the library"
