#!/bin/sh
# Tests what leaves the repository other than by `make install`: the crate, a
# vendored build without a network, the Rust documentation; and the licenses.
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
. "$root/scripts/checks.sh"
need cc make cargo unshare
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DEBUG TARGET LINK
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")

work=$root/build/package
rm -rf "$work"
mkdir -p "$work/tree"
trap 'rm -rf "$work"' EXIT
(cd "$root" && tar -c --exclude=./build --exclude=./target --exclude=./.git .) | tar -x -C "$work/tree"
cd "$work/tree"

fetch() {
    cargo fetch --locked
    cargo vendor --locked vendor >vendor.toml
}

# No network, and no crate that cargo has kept.
build_without_network() {
    mkdir -p .cargo "$work/cargo-home"
    cp vendor.toml .cargo/config.toml
    CARGO_HOME=$work/cargo-home CARGO_FLAGS=--offline unshare --net make
    "$root/scripts/build.sh" "$work/ordinary"
    for file in master_proto.o libmaster_proto.a "libmaster_proto.so.$version"; do
        cmp "$work/ordinary/$file" "build/$file"
    done
    rm -r .cargo
}

make_crate() {
    cargo package --locked --allow-dirty --target-dir "$work/target"
}

# What cargo adds itself is in it, too.
crate_holds_what_it_should() {
    tar -tf "$work/target/package/master_proto-$version.crate" | sed "s|^master_proto-$version/||" |
        grep -v '^\.cargo_vcs_info\.json$' | LC_ALL=C sort >"$work/files"
    {
        printf '%s\n' Cargo.toml Cargo.toml.orig Cargo.lock build.rs cbindgen.toml LICENSE ./*.md | sed 's|^\./||'
        find include man src docs examples -type f
    } | LC_ALL=C sort | diff - "$work/files"
}

crate_builds_without_network() {
    mkdir "$work/unpacked"
    tar -xf "$work/target/package/master_proto-$version.crate" -C "$work/unpacked" --strip-components=1
    cd "$work/unpacked"
    CARGO_TARGET_DIR=$work/unpacked/target unshare --net cargo build --release --locked --offline
    printf '#include <master_proto.h>\nint main(void) { return master_notify(1, 2, 3) != 0; }\n' >caller.c
    cc -I include -o caller caller.c target/release/libmaster_proto.a
    ./caller 5>sent
    [ "$(od -An -td4 sent | xargs)" = "1 2 3" ]
}

documentation_has_no_warning() {
    RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps --document-private-items --target-dir "$work/target"
    [ -f "$work/target/doc/master_proto/index.html" ]
}

licenses_are_listed() {
    if ! scripts/licenses.sh | diff docs/licenses.txt -; then
        echo "docs/licenses.txt is not what Cargo.lock leads to. Read what is new, then run:"
        echo "scripts/licenses.sh >docs/licenses.txt"
        return 1
    fi
}

# To link the library, or to build it, one must accept no more than these.
licenses_are_accepted() {
    sed '/^#/d; /^$/d; s/^[^ ]* *//' docs/licenses.txt | LC_ALL=C sort -u >"$work/expressions"
    [ -s "$work/expressions" ]
    while read -r expression; do
        case $expression in
        'IPL-1.0 OR EPL-2.0') ;;                            # ours
        '(MIT OR Apache-2.0) AND Unicode-3.0' | MPL-2.0) ;; # not in the artefacts
        MIT | 'MIT OR '* | *' OR MIT') ;;                   # may be taken as MIT
        *)
            echo "nobody has looked at the license '$expression'"
            return 1
            ;;
        esac
    done <"$work/expressions"
    sed -n '/^# In the artefacts/,/^$/{/^#/d;/^$/d;s/  */ /p}' docs/licenses.txt >"$work/inside"
    printf 'libc MIT OR Apache-2.0\nmaster_proto IPL-1.0 OR EPL-2.0\n' | diff - "$work/inside"
    grep -F 'license = "IPL-1.0 OR EPL-2.0"' Cargo.toml
    grep -i 'IBM Public License' LICENSE | head -n 1
    grep -i 'Eclipse Public License' LICENSE | head -n 1
}

step "fetch and vendor the crates" fetch
check "a vendored build without a network gives the same bytes" build_without_network
step "cargo package" make_crate
check "the crate holds the sources, the header, the pages and the license" crate_holds_what_it_should
check "the unpacked crate builds without a network, and a C program links it" crate_builds_without_network
check "cargo doc has no warning" documentation_has_no_warning
check "docs/licenses.txt lists the licenses of all crates" licenses_are_listed
check "the licenses are acceptable" licenses_are_accepted
end_checks package
