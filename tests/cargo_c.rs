//! `make test-cargo-c`: what cargo-c installs is what `make install` does. Apart
//! from the others, since cargo-c must be compiled first: minutes.

use testenv::prelude::*;

fn main() -> std::process::ExitCode {
    testenv::runner::main(testenv::cases![
        the_names_are_the_same_but_for_the_object,
        links_lead_to_the_same_library,
        soname_needed_libraries_and_the_one_symbol_are_the_same,
        header_and_manual_pages_are_the_same,
        pc_file_is_the_same_but_for_libs_private,
        static_program_by_pkg_config_works,
    ])
}

const LIBDIR: &str = "/usr/lib/triplet";

/// Both installations, in /tmp/make and /tmp/cargo.
fn install() -> Result<()> {
    sh!("make install DESTDIR=/tmp/make PREFIX=/usr LIBDIR={LIBDIR}
        build/tools/cargo-c/bin/cargo-cinstall cinstall --locked --release \
            --destdir /tmp/cargo --prefix /usr --libdir {LIBDIR}")?;
    Ok(())
}

/// What a command of the shell prints of both, which must be the same.
fn same(script: &str) -> Result<String> {
    install()?;
    let ours = sh!("LIBDIR=/tmp/make{LIBDIR}; cd /tmp/make; {script}")?;
    let theirs = sh!("LIBDIR=/tmp/cargo{LIBDIR}; cd /tmp/cargo; {script}")?;
    ensure!(ours == theirs, "make install:\n{ours}\ncargo cinstall:\n{theirs}");
    Ok(ours)
}

/// Rust gives only what it has linked, so it keeps no object.
fn the_names_are_the_same_but_for_the_object() -> Result<()> {
    let names = same("find . ! -type d ! -name master_proto.o | sort")?;
    ensure!(names.lines().count() == 8, "{names}");
    Ok(())
}

fn links_lead_to_the_same_library() -> Result<()> {
    let found = same(
        "cd $LIBDIR; basename -a $(readlink -f libmaster_proto.so) $(readlink -f libmaster_proto.so.1)",
    )?;
    ensure!(found.contains(&manifest("version")?), "{found}");
    Ok(())
}

fn soname_needed_libraries_and_the_one_symbol_are_the_same() -> Result<()> {
    let found = same(
        "cd $LIBDIR
        readelf -d libmaster_proto.so | grep -oE '(SONAME|NEEDED).*'
        nm -D --defined-only libmaster_proto.so | cut -d ' ' -f 3",
    )?;
    ensure!(found.contains("[libmaster_proto.so.1]"), "{found}");
    ensure!(found.ends_with("]\nmaster_notify"), "{found}");
    Ok(())
}

fn header_and_manual_pages_are_the_same() -> Result<()> {
    same("cat usr/include/master_proto.h usr/share/man/man?/*")?;
    Ok(())
}

/// Libs.private is about the contents of the archive. Ours needs nothing; Rust
/// names the system's libraries whether or not anything in it is used.
fn pc_file_is_the_same_but_for_libs_private() -> Result<()> {
    let private = "Libs.private:( -l(c|m|rt|pthread|util|dl|gcc|gcc_s|gcc_eh))*";
    same(&format!("sort $LIBDIR/pkgconfig/master_proto.pc | sed -E '/^{private}$/d'"))?;
    Ok(())
}

fn static_program_by_pkg_config_works() -> Result<()> {
    install()?;
    compile_caller(&format!(
        "export PKG_CONFIG_SYSROOT_DIR=/tmp/cargo PKG_CONFIG_LIBDIR=/tmp/cargo{LIBDIR}/pkgconfig
        flags=$(pkg-config --static --cflags --libs master_proto)
        cc -static -o /tmp/caller /tmp/caller.c $flags"
    ))?;
    calls_by("/tmp/caller")
}
