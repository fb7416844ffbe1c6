#!/bin/sh
# Fetches compilers into build/arch and builds there what the tests of `make test-arch`
# run: tests/platforms.sh [STEP ARGUMENT...]
set -eu
unset CDPATH
cd "$(dirname "$0")/.."
arch=build/arch tree=build/postfix/static
minimum=rustc-$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
die() {
    echo "tests/platforms.sh: $*" >&2
    exit 1
}

rust_of() { # minimum|newest|installed: its directory
    case $1 in
    minimum) echo "$minimum" ;;
    *) echo "rustc-$1" ;;
    esac
}

zig() { # It has the headers of many systems.
    rm -rf "$arch/zig.new"
    python3 -m pip install --no-cache-dir --no-deps --target "$arch/zig.new" ziglang==0.17.1 ||
        die "cannot fetch Zig. Is there a network? No test has failed."
    mv "$arch/zig.new" "$arch/zig"
}

# The library uses core alone, and calls nothing of compiler_builtins, which rustc asks for.
# Only these two are compiled as unstable Rust.
core() { # RUST TARGET
    cd "$arch/$1"
    edition=$(sed -n 's/^edition = "\(.*\)"/\1/p' library/core/Cargo.toml)
    to=usr/lib/rustlib/$2
    set -- ./rustc --edition="$edition" --crate-type=rlib --cap-lints=allow -Copt-level=2 -Cpanic=abort \
        --target "$2" --out-dir "$to.new/lib"
    export RUSTC_BOOTSTRAP=1
    "$@" --crate-name core library/core/src/lib.rs
    echo '#![feature(compiler_builtins)] #![compiler_builtins] #![no_std]' |
        "$@" -L "$to.new/lib" --crate-name compiler_builtins -
    mv "$to.new" "$to"
}

library() { # NAME TRIPLE TARGET RUST REFERENCES
    if [ "$4" = installed ]; then
        # Targets without weak references get strong ones unasked.
        [ "$5" = weak ] || export CARGO_FLAGS="--features strong-msg"
    else
        rust=$arch/$(rust_of "$4")
        [ -d "$rust/usr/lib/rustlib/$3" ] || (tests/platforms.sh core "${rust##*/}" "$3")
        export RUSTC="$PWD/$rust/rustc"
    fi
    if [ "$2" = - ]; then
        export LINK=0
    else
        export OBJCOPY="$2-objcopy" "CARGO_TARGET_$(echo "$3" | tr a-z- A-Z_)_LINKER=$2-gcc"
    fi
    TARGET=$3 tools/build "$arch/$1"
    [ "$2" != - ] || return 0
    system=$(sed -n 's/^SYSTYPE[[:space:]]*=[[:space:]]*//p' $tree/conf/makedefs.out)
    "$2-gcc" -O2 -fPIC -DNO_DB -DNO_NIS -DNO_EAI -Wno-comment "-D$system" -I $tree/include \
        -c $tree/src/master/master_proto.c -o "$arch/$1/original.o"
    beside "$1" "$2-gcc"
}

# The C original as a library, and cmocka, which Debian has as a static library for none of them.
beside() { # NAME CC
    "$2" -shared "$arch/$1/original.o" -Wl,-soname,liboriginal.so -o "$arch/$1/liboriginal.so"
    "$2" -O2 -fPIC -w -DHAVE_SIGNAL_H -I $arch/cmocka/include -c $arch/cmocka/src/cmocka.c -o "$arch/$1/cmocka.o"
}

musl() { # The objects made for glibc, linked with musl.
    mkdir -p $arch/musl
    cp $arch/amd64_current/*.[oa] $arch/musl
    musl-gcc -shared $arch/musl/master_proto.o -Wl,-soname,libmaster_proto.so -o $arch/musl/libmaster_proto.so
    beside musl musl-gcc
}

if [ $# -gt 0 ]; then
    "$@"
    exit
fi
[ "$(uname -m)" = x86_64 ] || die "cross-compilation needs an amd64 host."
mkdir -p $arch
for name in cmocka "$minimum" rustc-newest; do
    [ -d "$arch/$name" ] || tests/step.sh "fetch $name" "build/log/arch-$name.log" tests/fetch.sh "$name"
done
[ -d $arch/zig ] || tests/step.sh "fetch Zig" build/log/arch-zig.log tests/platforms.sh zig
grep -v '^#' tests/platforms/machines.txt | while read -r name triple target _ rust references; do
    tests/step.sh "build for $name" "build/log/arch-$name.log" \
        tests/platforms.sh library "$name" "$triple" "$target" "$rust" "$references"
done
tests/step.sh "build for musl" build/log/arch-musl.log tests/platforms.sh musl
