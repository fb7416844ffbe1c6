#!/bin/sh
# Builds the object, the archive and the shared library: build.sh DIRECTORY
#
# The one recipe for all artefacts; the Makefile and the tests call it.
# Environment, all optional:
#   CARGO, AR, OBJCOPY  the tools to use            (cargo, ar, objcopy)
#   CARGO_FLAGS     more words for cargo, such as --offline or --features NAME
#   TARGET          the Rust target to build for    (the host)
#   DEBUG           1: with debug information
#   LINK            0: no shared library, for a target without a linker here
set -eu

if [ $# -ne 1 ]; then
    echo "usage: build.sh DIRECTORY" >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
cargo=${CARGO:-cargo}
ar=${AR:-ar}

wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\)"/\1/p' Cargo.toml)
rustc=${RUSTC:-rustc}
if ! found=$("$rustc" --version 2>/dev/null); then
    echo "build.sh: no Rust compiler: '$rustc' does not run. Install Rust 1.$wanted or later" \
        "(rustup, or a distribution's rustc and cargo; Debian 12: rustc-web, cargo-web)." >&2
    exit 1
fi
minor=$(echo "$found" | sed 's/^rustc [0-9]*\.\([0-9]*\).*/\1/')
if [ "$minor" -lt "$wanted" ]; then
    echo "build.sh: $found is too old: Rust 1.$wanted or later is needed" \
        "(rustup update, or on Debian 12: rustc-web, cargo-web)." >&2
    exit 1
fi

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
    --target-dir "$out/cargo" ${TARGET:+--target "$TARGET"} ${CARGO_FLAGS-} -- "$@"

# An artefact that has not changed keeps its time, so that nothing that was
# linked with it is linked again.
put() {
    cmp -s "$1" "$2" || cp "$1" "$2"
}
built=$out/cargo/${TARGET:+$TARGET/}release
object=$built/deps/master_proto.o
# Where Rust's own library has debug information, as Debian's has, lto hands it
# on, asked for or not.
if [ "${DEBUG:-0}" != 1 ] && grep -q '\.debug_info' "$object"; then
    "${OBJCOPY:-objcopy}" --strip-debug "$object" "$built/master_proto.o"
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
