#!/bin/sh
# Sets up a Rust compiler for another architecture below build/arch and prints
# its path: arch-rust.sh VERSION [TARGET [DEBIAN-ARCHITECTURE]]
#
# VERSION is a Rust version such as 1.85, or "newest". The compiler is Debian's
# rustc-web, unpacked without being installed; the host's cargo drives it
# through RUSTC. Without TARGET it compiles for the host. The libraries for
# TARGET come from Debian's package for DEBIAN-ARCHITECTURE; without that, core
# is compiled from Debian's rust-web-src.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
[ $# -ge 1 ] || die "usage: arch-rust.sh VERSION|newest [TARGET [DEBIAN-ARCHITECTURE]]"
need dpkg-deb tar

wanted=$1
target=${2-}
foreign=${3-}
host=amd64

apt() {
    "$root/scripts/apt.sh" "$@"
}

# unpack FOLDER ARCHITECTURE PACKAGE [OPTION...]: with options for tar.
unpack() {
    into=$1
    architecture=$2
    package=$3
    shift 3
    rm -rf "$into.deb"
    mkdir -p "$into" "$into.deb"
    (cd "$into.deb" && apt "$architecture" apt-get --quiet download "$package") >&2 ||
        die "the $architecture package $package cannot be downloaded; apt's messages are above."
    dpkg-deb --fsys-tarfile "$into.deb"/*.deb | tar -x -C "$into" "$@" ||
        die "the $architecture package $package cannot be unpacked."
    rm -r "$into.deb"
}

compiler() {
    llvm=$(apt "$host" apt-cache depends "libstd-rust-web-$version=$full" |
        sed -n 's/.*Depends: \(libllvm[0-9.]*\).*/\1/p')
    for package in "rustc-web=$full" "libstd-rust-web-$version=$full" "${llvm:?}" "libstd-rust-web-dev=$full"; do
        unpack "$home.new" "$host" "$package" --exclude ./usr/share
    done
    # Only this variable leads the compiler to its own libraries.
    cat >"$home.new/rustc" <<'END'
#!/bin/sh
home=$(dirname "$0")
LD_LIBRARY_PATH=$home/usr/lib/x86_64-linux-gnu exec "$home/usr/bin/rustc" "$@"
END
    chmod +x "$home.new/rustc"
    mv "$home.new" "$home"
}

core_from_debian() {
    lib=./usr/lib/rustlib/$target/lib
    unpack "$new" "$foreign" "libstd-rust-web-dev=$full" --wildcards \
        "$lib/libcore-*" "$lib/libcompiler_builtins-*" "$lib/librustc_std_workspace_core-*"
    mv "$new/usr/lib/rustlib/$target" "$libraries"
}

# core is all that the library uses. It calls nothing of compiler_builtins, but
# rustc wants to see one. Unstable Rust is for these two alone.
core_from_source() {
    unpack "$new" "$host" "rust-web-src=$full" --wildcards './usr/src/rustc-*/library/*'
    mkdir -p "$new/rustlib/lib"
    set -- --edition 2024 --crate-type rlib --target "$target" -C opt-level=2 -C panic=abort \
        --cap-lints allow -L "$new/rustlib/lib" --out-dir "$new/rustlib/lib"
    RUSTC_BOOTSTRAP=1 "$home/rustc" "$@" --crate-name core \
        "$new/usr/src/rustc-$version"*/library/core/src/lib.rs >&2
    printf '%s\n' '#![feature(compiler_builtins)]' '#![compiler_builtins]' '#![no_std]' |
        RUSTC_BOOTSTRAP=1 "$home/rustc" "$@" --crate-name compiler_builtins - >&2
    mv "$new/rustlib" "$libraries/$target"
}

mkdir -p "$root/build/arch"
# What is set up already needs no package list.
if [ "$wanted" = newest ]; then
    record=$root/build/arch/rust-newest
else
    record=$root/build/arch/rust-$wanted.version
fi
if [ ! -f "$record" ]; then
    apt "$host" apt-cache show rustc-web | sed -n 's/^Version: //p' |
        if [ "$wanted" = newest ]; then cat; else grep "^$wanted\." || :; fi |
        sort -rV | head -n 1 >"$record.new"
    [ -s "$record.new" ] ||
        die "this release of Debian has no package rustc-web $wanted, where the tests take that compiler from."
    mv "$record.new" "$record"
fi
full=$(cat "$record")
version=$(echo "$full" | cut -d. -f1,2)
home=$root/build/arch/rust-$version
libraries=$home/usr/lib/rustlib

if [ ! -d "$home" ]; then
    rm -rf "$home.new"
    compiler
fi
if [ -n "$target" ] && [ ! -d "$libraries/$target" ]; then
    new=$root/build/arch/core-$version-$target
    rm -rf "$new"
    if [ -n "$foreign" ]; then
        core_from_debian
    else
        core_from_source
    fi
    rm -r "$new"
fi
printf '%s\n' "$home/rustc"
