#!/bin/sh
# Builds the object, the archive and the shared library: build.sh DIRECTORY
#
# The one recipe for all artefacts; the Makefile and the tests call it.
# Environment, all optional:
#   CARGO, RUSTC, AR, OBJCOPY  the tools to use     (cargo, rustc, ar, objcopy)
#   CARGO_FLAGS     more words for cargo, such as --offline or --features NAME
#   TARGET          the Rust target to build for    (CARGO_BUILD_TARGET; the host)
#   DEBUG           1: with debug information
#   LINK            0: no shared library, for a target without a linker here
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

[ $# -eq 1 ] || die "usage: build.sh DIRECTORY"
case ${DEBUG:-0} in
0 | 1) ;;
*) die "DEBUG=$DEBUG is neither 0 nor 1." ;;
esac
mkdir -p "$1" || die "cannot make the folder $1 to build in. Name another one: make BUILD=folder"
out=$(cd "$1" && pwd)
cd "$root"
cargo=${CARGO:-cargo}
ar=${AR:-ar}
objcopy=${OBJCOPY:-objcopy}

wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\)"/\1/p' Cargo.toml)
rustc=${RUSTC:-rustc}
found=$("$rustc" --version 2>/dev/null) ||
    die "no Rust compiler: '$rustc' does not run. Install Rust 1.$wanted or later" \
        "(rustup, or a distribution's rustc and cargo; Debian 12: rustc-web, cargo-web)."
minor=$(echo "$found" | sed 's/^rustc [0-9]*\.\([0-9]*\).*/\1/')
[ "$minor" -ge "$wanted" ] ||
    die "$found is too old: Rust 1.$wanted or later is needed" \
        "(rustup update, or on Debian 12: rustc-web, cargo-web)."
for tool in "$cargo" "$ar"; do
    command -v "$tool" >/dev/null 2>&1 ||
        die "the command '$tool' is missing. Building takes Rust's cargo, and a C compiler with binutils."
done
# Always named: else a target in the user's configuration of cargo would be
# built in another folder than is looked into below.
target=${TARGET:-${CARGO_BUILD_TARGET:-$("$rustc" -vV | sed -n 's/^host: //p')}}
built=$out/cargo/$target/release
for folder in "$out" "$out/cargo" "$out/cargo/$target" "$built"; do
    if [ -d "$folder" ] && [ ! -w "$folder" ]; then
        die "$folder is not for $(id -un) to write to; 'make test' and 'make demo' as root leave it to root." \
            "Run 'make clean' as its owner, or build elsewhere: make BUILD=folder"
    fi
done

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
library=libmaster_proto.so

# A cdylib gives the object that is linked as well as the shared library.
# Without the flag, Rust before 1.92 drops the unwind tables that debuggers use.
# The remapped paths keep the builder's folders out of debug information.
set -- --emit obj -C force-unwind-tables=yes \
    --remap-path-prefix "$root=/usr/src/master_proto-$version" \
    --remap-path-prefix "${CARGO_HOME:-${HOME:-/}/.cargo}=/usr/src/cargo"
if [ "${LINK:-1}" = 0 ]; then
    # cargo asks for a shared library in any case, so the linker does nothing.
    set -- "$@" -C linker=true -C strip=none
fi
if [ "${DEBUG:-0}" = 1 ]; then
    # cargo strips what its own profile does not ask for.
    set -- "$@" -C debuginfo=2 -C strip=none
fi
# shellcheck disable=SC2086 # CARGO_FLAGS is a list of words
"$cargo" rustc --quiet --locked --release --lib --crate-type cdylib \
    --target-dir "$out/cargo" --target "$target" ${CARGO_FLAGS-} -- "$@" ||
    die "cargo cannot build the library; its messages are above. It needs a C compiler ('cc') to link" \
        "with, and the crate libc: from a registry, or a copy (docs/packaging.md, without a network)."

# An artefact that has not changed keeps its time, so that nothing that was
# linked with it is linked again.
put() {
    cmp -s "$1" "$2" || cp "$1" "$2"
}
object=$built/deps/master_proto.o
# Where Rust's own library has debug information, as Debian's has, lto hands it
# on, asked for or not.
if [ "${DEBUG:-0}" != 1 ] && grep -q '\.debug_info' "$object"; then
    "$objcopy" --strip-debug "$object" "$built/master_proto.o"
    object=$built/master_proto.o
fi
put "$object" "$out/master_proto.o"

# D: no dates and owners, so that the same object gives the same archive.
rm -f "$built/libmaster_proto.a"
"$ar" rcsD "$built/libmaster_proto.a" "$out/master_proto.o"
put "$built/libmaster_proto.a" "$out/libmaster_proto.a"

if [ "${LINK:-1}" != 0 ]; then
    put "$built/$library" "$out/$library.$version"
    ln -sf "$library.$version" "$out/$library.${version%%.*}"
    ln -sf "$library.${version%%.*}" "$out/$library"
fi
