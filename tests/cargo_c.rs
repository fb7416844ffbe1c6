//! `make test-cargo-c`: what cargo-c installs is what `make install` does. Apart
//! from the others, since cargo-c must be compiled first: minutes.

use testenv::prelude::*;

fn main() -> std::process::ExitCode {
    testenv::runner::main(testenv::cases![
        cargo_c_installs_what_make_does_but_for_the_object_and_libs_private
    ])
}

/// The object, since Rust gives only what it has linked. Libs.private is about the
/// contents of the archive: ours needs nothing; Rust names the system's libraries
/// whether or not anything in it is used.
fn cargo_c_installs_what_make_does_but_for_the_object_and_libs_private() -> Result<()> {
    const LIBDIR: &str = "/usr/lib/triplet";
    let version = manifest("version")?;
    sh!("make install DESTDIR=/tmp/make PREFIX=/usr LIBDIR={LIBDIR}
        build/tools/cargo-c/bin/cargo-cinstall cinstall --locked --release \
            --destdir /tmp/cargo --prefix /usr --libdir {LIBDIR}
        for tree in make cargo; do
            (
                cd /tmp/$tree
                find . ! -type d ! -name master_proto.o | sort
                cat usr/include/master_proto.h usr/share/man/man?/*
                cd .{LIBDIR}
                for link in *.so *.so.1; do basename $(readlink -f $link); done
                readelf -d libmaster_proto.so | grep -oE '(SONAME|NEEDED).*'
                nm -D --defined-only libmaster_proto.so | cut -d ' ' -f 3
                sort pkgconfig/master_proto.pc |
                    sed -E '/^Libs.private:( -l(c|m|rt|pthread|util|dl|gcc|gcc_s|gcc_eh))*$/d'
            ) >/tmp/$tree.txt
        done
        diff -u /tmp/make.txt /tmp/cargo.txt >&2
        grep -Fx libmaster_proto.so.{version} /tmp/cargo.txt
        grep 'SONAME.*\\[libmaster_proto.so.1\\]' /tmp/cargo.txt
        grep -x master_notify /tmp/cargo.txt")?;
    compile_caller(&format!(
        "export PKG_CONFIG_SYSROOT_DIR=/tmp/cargo PKG_CONFIG_LIBDIR=/tmp/cargo{LIBDIR}/pkgconfig
        flags=$(pkg-config --static --cflags --libs master_proto)
        cc -static -o /tmp/caller /tmp/caller.c $flags"
    ))?;
    calls_by("/tmp/caller")
}
