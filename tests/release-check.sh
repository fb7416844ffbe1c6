#!/bin/sh
# Follows docs/release.md in a copy of what is committed, except the blocks of commands
# that are for the maintainer alone: hours of tests, and what cannot be undone.
#
#   tests/release-check.sh VERSION
set -eu
unset CDPATH CARGO_TARGET_DIR MAKEFLAGS MAKELEVEL
export version="$1" GIT_CONFIG_GLOBAL=/dev/null
echo "$version" | grep -qx '[0-9]\+\.[0-9]\+\.[0-9]\+' || {
    echo "VERSION=$version is no version such as 1.0.0. Usage: make release-check VERSION=1.0.0" >&2
    exit 1
}
cd "$(dirname "$0")/.."
rm -rf build/release-check
git -c safe.directory='*' clone --quiet . build/release-check
logs=$PWD/build/log
cd build/release-check
git config user.name release-check
git config user.email release-check@mail.example

# A file for each block, called by its number; a key to sign with is not here.
mkdir -p build/blocks
awk '
    /^<!-- run by the maintainer/ { skip = 1 }
    /^```$/ { inside = 0 }
    inside { sub(/git tag --sign/, "git tag --annotate"); print >sprintf("build/blocks/%02d", number) }
    /^```sh$/ { if (!skip) { inside = 1; number++ } skip = 0 }
' docs/release.md
cat >build/blocks/99 <<'EOT'
# The version stands in every place, and the checksums hold
[ "$(grep -lrF "$version" Cargo.toml Cargo.lock man CHANGELOG.md packaging/debian/changelog | wc -l)" -eq 6 ]
[ -z "$(git status --porcelain)" ]
git describe --exact-match
cd build/release
sha256sum --check SHA256SUMS
EOT
for block in build/blocks/*; do
    tests/step.sh "$(head -n 1 "$block" | cut -c 1-60)" "$logs/release-check-${block##*/}.log" sh -eux "$block"
done
echo "What is left to do stands in docs/release.md, in the blocks for the maintainer."
