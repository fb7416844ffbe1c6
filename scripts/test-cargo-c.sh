#!/bin/sh
# Compares what cargo-c installs with what `make install` does.
#
# Apart from `make test`, since the first run compiles cargo-c: minutes.
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
. "$root/scripts/checks.sh"
cd "$root"
need cargo cc make readelf pkg-config

# The newest that takes the Rust this project is built with; the version of a
# distribution may be too old for the edition.
pinned=0.10.24+cargo-0.98.0
tools=$root/build/tools/cargo-c-$pinned
compile_cargo_c() {
    CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_STRIP=true cargo install cargo-c \
        --version "=$pinned" --locked --debug --bin cargo-cinstall \
        --no-track --root "$tools" --target-dir "$tools/target"
    rm -rf "$tools/target"
}
if [ ! -x "$tools/bin/cargo-cinstall" ]; then
    pkg-config --exists openssl || die "cargo-c needs OpenSSL's headers. 'make deps' installs them (libssl-dev)."
    step "compile cargo-c $pinned (once)" compile_cargo_c
fi

work=$root/build/cargo-c
rm -rf "$work"
mkdir -p "$work"
libdir=/usr/lib/$(cc -print-multiarch)
unset DESTDIR PREFIX LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

both_install() {
    scripts/build.sh build
    make install DESTDIR="$work/make" PREFIX=/usr LIBDIR="$libdir"
    CARGO_TARGET_DIR=$work/target "$tools/bin/cargo-cinstall" cinstall --locked --release \
        --destdir "$work/cargo" --prefix /usr --libdir "$libdir"
}

# The object is ours alone: Rust gives only what it has linked.
same_names() {
    for who in make cargo; do
        (cd "$work/$who" && find . ! -type d | grep -v '/master_proto\.o$' | LC_ALL=C sort) >"$work/$who.names"
    done
    [ "$(wc -l <"$work/make.names")" -eq 8 ]
    diff "$work/make.names" "$work/cargo.names"
}

same_links() {
    for name in libmaster_proto.so libmaster_proto.so.1; do
        for who in make cargo; do
            readlink -f "$work/$who$libdir/$name" | sed 's|.*/||' >"$work/$who.link"
        done
        diff "$work/make.link" "$work/cargo.link"
    done
}

soname() {
    readelf -d "$work/$1$libdir/libmaster_proto.so" | sed -n 's/.*(\(SONAME\|NEEDED\)).*\[\(.*\)\]/\1 \2/p'
}
same_soname() {
    soname make | grep -x 'SONAME libmaster_proto.so.1'
    [ "$(soname make)" = "$(soname cargo)" ]
}

exports() {
    nm -D --defined-only "$work/$1$libdir/libmaster_proto.so" | cut -d ' ' -f 3
}
same_exports() {
    [ "$(exports make)" = master_notify ]
    [ "$(exports cargo)" = master_notify ]
}

same_texts() {
    for file in include/master_proto.h share/man/man3/master_notify.3 share/man/man7/master_proto.7; do
        cmp "$work/make/usr/$file" "$work/cargo/usr/$file"
    done
}

# Libs.private is about the contents of the archive. Ours needs nothing; Rust
# names the system's libraries whether or not anything in it is used.
same_pc() {
    sed -E '/^Libs.private:( -l(c|m|rt|pthread|util|dl|gcc|gcc_s|gcc_eh))*$/d' "$work/cargo$libdir/pkgconfig/master_proto.pc" >"$work/pc"
    diff "$work/make$libdir/pkgconfig/master_proto.pc" "$work/pc"
}

its_archive_links() {
    export PKG_CONFIG_SYSROOT_DIR="$work/cargo" PKG_CONFIG_LIBDIR="$work/cargo$libdir/pkgconfig"
    printf '#include <master_proto.h>\nint main(void) { return master_notify(1, 2, 3) != 0; }\n' >"$work/caller.c"
    eval "cc -static -o '$work/caller' '$work/caller.c' $(pkg-config --static --cflags --libs master_proto)"
    "$work/caller" 5>"$work/sent"
    [ "$(od -An -td4 "$work/sent" | xargs)" = "1 2 3" ]
}

step "install with both" both_install
check "the same file names, the object apart" same_names
check "links lead to the same library" same_links
check "the same SONAME and NEEDED" same_soname
check "the same exported symbol" same_exports
check "the same header and manual pages" same_texts
check "the same .pc file, Libs.private apart" same_pc
check "a static program by pkg-config from cargo-c's tree" its_archive_links
rm -rf "$work"
end_checks cargo-c
