//! `make test-cargo-c`: what cargo-c installs is what `make install` does. Apart
//! from the others, since cargo-c must be compiled first: minutes.

#[path = "ships/common.rs"]
mod common;

use common::{CALLED, CALLER, manifest, messages_of};
use std::fs;
use testenv::prelude::*;

fn main() -> std::process::ExitCode {
    testenv::runner::main(testenv::cases![
        the_names_are_the_same_but_for_the_object,
        links_lead_to_the_same_library,
        soname_and_needed_libraries_are_the_same,
        one_symbol_is_exported,
        header_and_manual_pages_are_the_same,
        pc_file_is_the_same_but_for_libs_private,
        static_program_by_pkg_config_works,
    ])
}

const LIBDIR: &str = "/usr/lib/triplet";

/// Both installations, in /tmp/make and /tmp/cargo.
fn install() -> Result<Shell> {
    let sh = Shell::new()?;
    let libdir = format!("LIBDIR={LIBDIR}");
    cmd!(sh, "make install DESTDIR=/tmp/make PREFIX=/usr {libdir}").run()?;
    let cinstall = artefact("tools/cargo-c/bin/cargo-cinstall");
    let words = "--locked --release --destdir /tmp/cargo --prefix /usr --libdir".split(' ');
    cmd!(sh, "{cinstall} cinstall {words...} {LIBDIR}").run()?;
    sh.change_dir("/tmp");
    Ok(sh)
}

/// What a command of the shell prints of both, which must be the same.
fn same(script: &str) -> Result<String> {
    let sh = install()?;
    let [ours, theirs] = ["make", "cargo"].map(|folder| {
        sh.change_dir(format!("/tmp/{folder}"));
        cmd!(sh, "sh -euc {script}").env("LIBDIR", &LIBDIR[1..]).read()
    });
    let (ours, theirs) = (ours?, theirs?);
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
        "cd $LIBDIR; basename $(readlink -f libmaster_proto.so) $(readlink -f libmaster_proto.so.1)",
    )?;
    ensure!(found.contains(&manifest("version")?), "{found}");
    Ok(())
}

fn soname_and_needed_libraries_are_the_same() -> Result<()> {
    let found = same(
        "readelf -d $LIBDIR/libmaster_proto.so | sed -n 's/.*(\\(SONAME\\|NEEDED\\)).*\\[/\\1 /p'",
    )?;
    ensure!(found.contains("SONAME libmaster_proto.so.1]"), "{found}");
    Ok(())
}

fn one_symbol_is_exported() -> Result<()> {
    let found = same("nm -D --defined-only $LIBDIR/libmaster_proto.so | cut -d ' ' -f 3")?;
    ensure!(found == "master_notify", "{found}");
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
    let sh = install()?;
    fs::write("/tmp/caller.c", CALLER)?;
    sh.set_var("PKG_CONFIG_SYSROOT_DIR", "/tmp/cargo");
    sh.set_var("PKG_CONFIG_LIBDIR", format!("/tmp/cargo{LIBDIR}/pkgconfig"));
    let script =
        "cc -static -o caller caller.c $(pkg-config --static --cflags --libs master_proto)";
    cmd!(sh, "sh -euc {script}").run()?;
    ensure!(messages_of("/tmp/caller")? == CALLED);
    Ok(())
}
