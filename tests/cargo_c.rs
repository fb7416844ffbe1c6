//! What cargo-c installs is what `make install` does.

use tests::prelude::*;

/// Except the object, since Rust gives only what it has linked, and Libs.private, which is
/// about the contents of the archive: ours needs nothing; Rust names the system's libraries
/// whether or not anything in it is used.
#[test]
fn cargo_c_installs_what_make_does_but_for_the_object_and_libs_private() -> Result {
    sandbox(|| {
        sh_file("cargo_c.sh", &[&manifest("version")?])?;
        compile_caller(
            "export PKG_CONFIG_SYSROOT_DIR=$TMPDIR/cargo PKG_CONFIG_LIBDIR=$TMPDIR/cargo/usr/lib/triplet/pkgconfig
            flags=$(pkg-config --static --cflags --libs master_proto)
            cc -static -o $TMPDIR/caller $TMPDIR/caller.c $flags",
        )?;
        calls_by("$TMPDIR/caller")
    })
}
