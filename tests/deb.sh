#!/bin/sh
# Builds Debian packages of what is committed in a minimal chroot of a Debian suite,
# into build/deb/SUITE; with `test` they are also checked there.
#
#   tests/deb.sh build|test SUITE
set -eu
unset CDPATH
cd "$(dirname "$0")/.."
what=$1 suite=$2 here=build/deb/new
die() {
    printf '%s\n' "$*" >&2
    exit 1
}
[ "$what" = build ] || [ "$(id -u)" -eq 0 ] || die "\`make test-deb\` takes root: piuparts makes device files. \`make deb\` does not."
changes=$(git -c safe.directory='*' status --porcelain)
[ -z "$changes" ] || die "$changes
The checkout is not clean, and packages are built from HEAD: commit, or \`git stash --include-untracked\`."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
grep -q "^master-proto ($version-" packaging/debian/changelog ||
    die "Cargo.toml has version $version, and packaging/debian/changelog another. See docs/release.md."
name=${DEBFULLNAME:-$(git config user.name || :)} email=${DEBEMAIL:-$(git config user.email || :)}
if [ -z "$name" ] || [ -z "$email" ]; then
    die "The maintainer of a package is whoever builds it: set DEBFULLNAME and DEBEMAIL, or user.name and user.email of git."
fi

rm -rf $here
mkdir -p $here/build/master-proto
orig=$here/build/master-proto_$version.orig.tar.gz
git -c safe.directory='*' archive --prefix="master_proto-$version/" --output="$orig" HEAD
tar -C $here/build/master-proto --strip-components=1 -xf "$orig"
cp -R $here/build/master-proto/packaging/debian $here/build/master-proto
sed -i "s/@MAINTAINER@/$name <$email>/" $here/build/master-proto/debian/control $here/build/master-proto/debian/changelog

if [ "$what" = test ]; then
    title='build and check Debian packages'
else
    title='build Debian packages'
fi
# shellcheck disable=SC2016 # mmdebstrap's shell gives $1
tests/chroot.sh "$suite" "$title" deb \
    --customize-hook="copy-in $here/build tests/deb-in-chroot.sh /" \
    --customize-hook="chroot \"\$1\" sh -eux /deb-in-chroot.sh $what $suite" \
    --customize-hook="copy-out /out $here"
rm -rf "build/deb/$suite"
mv $here/out "build/deb/$suite"
rm -rf $here
ls "build/deb/$suite"/*.deb
