#!/bin/sh
# Follows README as a newcomer, in a system that has make and little else: runs the
# commands for trying it, and tests the library with each Rust of this Debian suite.
# tests/suite.sh runs this in a chroot.
set -eux
unset CDPATH
export HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
cd "$(dirname "$0")/.."
chown -R root: .
elsewhere() {
    find /tmp /var/tmp /dev/shm ~ -mindepth 1 -maxdepth 1 ! -name .cargo | sort
}
before=$(elsewhere)

# shellcheck disable=SC2016 # no expansion
commands=$(sed -n '/^```sh/,/^```/p' README.md | grep -x 'make \(demo\|check\|test\)')
[ "$(echo "$commands" | grep -c -x -e 'make demo' -e 'make test')" -eq 2 ]
for target in $(echo "$commands" | sed 's/make //'); do
    start=$(date +%s)
    make "$target"
    set +x
    packages=$(cat /var/cache/apt/archives/*.deb | wc -c)
    crates=$(cat ~/.cargo/registry/cache/*/* | wc -c)
    echo "== make $target: $(($(date +%s) - start)) s; fetched until here: $((packages / 1000000)) MB" \
        "of packages, $((crates / 1000000)) MB of crates"
    set -x
done

minimum=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
used=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}=${Version}\n' 'rustc*' | sed -n 's/^installed //p')
echo "== that was with $used"
versions=$(mktemp)
apt-cache madison rustc rustc-web >"$versions"
[ -s "$versions" ]
while read -r package _ version _; do
    if [ "$package=$version" = "$used" ] || ! dpkg --compare-versions "$version" ge "$minimum"; then
        continue
    fi
    cargo=cargo${package#rustc} library=libstd-rust${package#rustc}-dev
    apt-get --quiet --yes --no-install-recommends --allow-downgrades install \
        "$package=$version" "$cargo=$version" "$library=$version" </dev/null
    make check </dev/null
    echo "== make check passes with $package=$version"
done <"$versions"
rm "$versions"

make clean
[ ! -e build ]
[ "$(elsewhere)" = "$before" ]
du -sxm / | sed 's/^\([0-9]*\).*/== \1 MB on disk/'
