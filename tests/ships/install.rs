//! `make install` and `make uninstall`, and what a C programmer does with the
//! result. Each case installs into its own /tmp.

use super::man;
use std::fs;
use std::os::unix::fs::MetadataExt;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        layout_and_permissions_do_not_depend_on_the_umask,
        contents_are_what_was_built,
        second_install_changes_nothing_and_no_library_that_programs_have_mapped,
        uninstall_leaves_nothing,
        uninstall_spares_the_files_of_others,
        each_folder_has_a_variable,
        slashes_too_many_are_not_kept,
        needs_no_rust,
        refuses_to_install for REFUSED,
        refuses_to_uninstall_from_a_read_only_folder,
        dynamic_program_by_pkg_config_works for TREES,
        static_program_by_pkg_config_works for TREES,
        program_by_object_and_pkg_config_works for TREES,
        command_in_master_notify_3_works_when_staged,
    ]
}

/// Path, type, permissions and target of each entry below a folder.
fn listing(folder: &str) -> Result<String> {
    sh!("cd {folder}; find . -mindepth 1 -printf '%P %y %m %l\n' | sed 's/ $//' | LC_ALL=C sort")
}

/// That, and the contents.
fn everything(folder: &str) -> Result<String> {
    Ok(listing(folder)? + &sh!("cd {folder}; find . -type f -exec cksum {{}} + | sort -k 3")?)
}

fn layout_and_permissions_do_not_depend_on_the_umask() -> Result<()> {
    sh!("umask 077; make install DESTDIR=/tmp/stage")?;
    let version = manifest("version")?;
    let expected = format!(
        "\
usr d 755
usr/local d 755
usr/local/include d 755
usr/local/include/master_proto.h f 644
usr/local/lib d 755
usr/local/lib/libmaster_proto.a f 644
usr/local/lib/libmaster_proto.so l 777 libmaster_proto.so.1
usr/local/lib/libmaster_proto.so.1 l 777 libmaster_proto.so.{version}
usr/local/lib/libmaster_proto.so.{version} f 644
usr/local/lib/master_proto.o f 644
usr/local/lib/pkgconfig d 755
usr/local/lib/pkgconfig/master_proto.pc f 644
usr/local/share d 755
usr/local/share/man d 755
usr/local/share/man/man3 d 755
usr/local/share/man/man3/master_notify.3 f 644
usr/local/share/man/man7 d 755
usr/local/share/man/man7/master_proto.7 f 644"
    );
    let found = listing("/tmp/stage")?;
    ensure!(found == expected, "installed:\n{found}");
    Ok(())
}

fn contents_are_what_was_built() -> Result<()> {
    let (version, description) = (manifest("version")?, manifest("description")?);
    sh!("make install DESTDIR=/tmp/stage
        to=/tmp/stage/usr/local
        for name in master_proto.o libmaster_proto.a libmaster_proto.so; do
            cmp build/$name $to/lib/$name
        done
        cmp include/master_proto.h $to/include/master_proto.h
        cmp man/master_notify.3 $to/share/man/man3/master_notify.3
        cmp man/master_proto.7 $to/share/man/man7/master_proto.7")?;
    let pc = fs::read_to_string("/tmp/stage/usr/local/lib/pkgconfig/master_proto.pc")?;
    let expected = format!(
        "\
prefix=/usr/local
exec_prefix=${{prefix}}
libdir=${{prefix}}/lib
includedir=${{prefix}}/include

Name: master_proto
Version: {version}
Description: {description}
Libs: -L${{libdir}} -lmaster_proto
Cflags: -I${{includedir}}
"
    );
    ensure!(pc == expected, "{pc}");
    Ok(())
}

fn second_install_changes_nothing_and_no_library_that_programs_have_mapped() -> Result<()> {
    sh!("make install DESTDIR=/tmp/stage")?;
    let first = everything("/tmp/stage")?;
    let name = "/tmp/stage/usr/local/lib/libmaster_proto.so";
    let mapped = fs::File::open(name)?; // so that its number is not given away again
    sh!("make install DESTDIR=/tmp/stage")?;
    ensure!(everything("/tmp/stage")? == first);
    ensure!(mapped.metadata()?.ino() != fs::metadata(name)?.ino());
    Ok(())
}

fn uninstall_leaves_nothing() -> Result<()> {
    sh!("make install DESTDIR=/tmp/stage; make uninstall DESTDIR=/tmp/stage")?;
    ensure!(!Path::new("/tmp/stage").exists(), "{}", listing("/tmp/stage")?);
    sh!("make uninstall DESTDIR=/tmp/stage")?; // nothing there: nothing to do
    Ok(())
}

fn uninstall_spares_the_files_of_others() -> Result<()> {
    sh!("make install DESTDIR=/tmp/stage
        echo other >/tmp/stage/usr/local/lib/other.so
        make uninstall DESTDIR=/tmp/stage")?;
    let found = listing("/tmp/stage")?;
    let expected = "usr d 755\nusr/local d 755\nusr/local/lib d 755\nusr/local/lib/other.so f 644";
    ensure!(found == expected, "{found}");
    // Without DESTDIR, even empty folders are the system's.
    sh!("make install PREFIX=/tmp/prefix; make uninstall PREFIX=/tmp/prefix")?;
    let found = listing("/tmp/prefix")?;
    ensure!(found.contains("lib/pkgconfig d 755") && !found.contains("f 644"), "{found}");
    Ok(())
}

fn each_folder_has_a_variable() -> Result<()> {
    let words = "DESTDIR=/tmp/stage PREFIX=/p LIBDIR=/l INCLUDEDIR=/i PKGCONFIGDIR=/c MANDIR=/m";
    let found = sh!("make install {words} >&2; cd /tmp/stage; find * ! -type d | LC_ALL=C sort")?;
    let expected = format!(
        "c/master_proto.pc i/master_proto.h l/libmaster_proto.a l/libmaster_proto.so \
         l/libmaster_proto.so.1 l/libmaster_proto.so.{} l/master_proto.o \
         m/man3/master_notify.3 m/man7/master_proto.7",
        manifest("version")?
    );
    ensure!(found.replace('\n', " ") == expected, "{found}");
    sh!("make uninstall {words}")?;
    ensure!(!Path::new("/tmp/stage").exists());
    Ok(())
}

/// pkg-config would not know the system's folders by them.
fn slashes_too_many_are_not_kept() -> Result<()> {
    sh!("make install DESTDIR=/tmp/plain PREFIX=/usr LIBDIR=/usr/lib/triplet")?;
    let words = "PREFIX=/usr/ LIBDIR=/usr/lib/triplet// MANDIR=/usr//share/man/";
    let said = sh!("make install DESTDIR=/tmp/slash/ {words}")?;
    ensure!(!said.contains("//"), "{said}");
    ensure!(everything("/tmp/plain")? == everything("/tmp/slash")?);
    Ok(())
}

fn needs_no_rust() -> Result<()> {
    sh!("mkdir /tmp/bin
        printf '#!/bin/sh\necho called >>/tmp/called\n' | tee /tmp/bin/cargo >/tmp/bin/rustc
        chmod +x /tmp/bin/*
        PATH=/tmp/bin:$PATH
        rustc
        rm /tmp/called # the trap works
        make install DESTDIR=/tmp/stage")?;
    ensure!(!Path::new("/tmp/called").exists());
    Ok(())
}

/// Root may write anywhere else.
const READ_ONLY: &str =
    "read_only() { mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"; }\n";

/// Words for `make install`, after DESTDIR=/tmp/stage; what it says; and what
/// comes before.
const REFUSED: [(&str, &str, &str); 9] = [
    ("PREFIX=usr", "PREFIX=usr is not an absolute path", ":"),
    ("LIBDIR=lib", "LIBDIR=lib is not an absolute path", ":"),
    ("PREFIX=", "PREFIX= is not an absolute path", ":"),
    ("prefix=/usr", "'prefix' is set; the names are DESTDIR PREFIX", ":"),
    ("BUILD=/tmp/empty", "Run 'make' first", "mkdir /tmp/empty"),
    ("DESTDIR=/tmp/a", "/tmp/a is not a folder that you may write to", "echo a file >/tmp/a"),
    // The folder of the files that come last: a check that comes too late leaves others.
    (
        "MANDIR=/ro/man",
        "Cannot write to /tmp/stage/ro/man/man3",
        "mkdir -p /tmp/stage/ro; read_only /tmp/stage/ro",
    ),
    // Else the file would be put into it.
    (
        "DESTDIR=/tmp/b",
        "libmaster_proto.so.1 is a folder",
        "mkdir -p /tmp/b/usr/local/lib/libmaster_proto.so.1",
    ),
    (
        "DESTDIR=/tmp/c",
        "usr/local/lib is not a folder that you may write to",
        "mkdir -p /tmp/c/usr/local; ln -s nowhere /tmp/c/usr/local/lib",
    ),
];

fn refuses_to_install((words, why, before): &(&str, &str, &str)) -> Result<()> {
    sh!("{READ_ONLY}{before}")?;
    let before = everything("/tmp")?;
    let sh = Shell::new()?;
    let said = refuses(why, cmd!(sh, "make install DESTDIR=/tmp/stage {words}"))?;
    ensure!(said.contains("Nothing was changed"));
    ensure!(everything("/tmp")? == before);
    Ok(())
}

fn refuses_to_uninstall_from_a_read_only_folder() -> Result<()> {
    sh!("{READ_ONLY}make install PREFIX=/tmp/prefix; read_only /tmp/prefix/share/man")?;
    let before = everything("/tmp/prefix")?;
    let sh = Shell::new()?;
    let why = "Cannot write to /tmp/prefix/share/man";
    refuses(why, cmd!(sh, "make uninstall PREFIX=/tmp/prefix"))?;
    ensure!(everything("/tmp/prefix")? == before);
    sh!("umount /tmp/prefix/share/man; make uninstall PREFIX=/tmp/prefix")?;
    ensure!(!listing("/tmp/prefix")?.contains("f 644"));
    Ok(())
}

struct Installed {
    libdir: String,
    /// pkg-config, and what comes before and after it.
    pkg_config: String,
}

/// Places that differ in all that matters to pkg-config.
type Tree = (&'static str, fn() -> Result<Installed>);
const TREES: [Tree; 3] = [("staged", staged), ("with_spaces", with_spaces), ("moved", moved)];

/// As for a Debian package: /usr with a multiarch folder, below DESTDIR.
fn staged() -> Result<Installed> {
    let libdir = format!("/usr/lib/{}", sh!("cc -print-multiarch")?);
    sh!("make install DESTDIR=/tmp/stage PREFIX=/usr LIBDIR={libdir}")?;
    let libdir = format!("/tmp/stage{libdir}");
    let pkg_config = format!(
        "PKG_CONFIG_SYSROOT_DIR=/tmp/stage PKG_CONFIG_LIBDIR={libdir}/pkgconfig pkg-config"
    );
    Ok(Installed { libdir, pkg_config })
}

fn with_spaces() -> Result<Installed> {
    let (prefix, libdir) = ("/tmp/my own prefix", "/tmp/my own prefix/my lib".to_owned());
    sh!("make install PREFIX='{prefix}/' LIBDIR='{libdir}' INCLUDEDIR='{prefix}/my  headers'")?;
    let pkg_config = format!("PKG_CONFIG_LIBDIR='{libdir}/pkgconfig' pkg-config");
    Ok(Installed { libdir, pkg_config })
}

/// pkg-config looks for the prefix two folders above the file.
fn moved() -> Result<Installed> {
    with_spaces()?;
    fs::rename("/tmp/my own prefix", "/tmp/moved")?;
    let libdir = "/tmp/moved/my lib".to_owned();
    let pkg_config = format!("PKG_CONFIG_LIBDIR='{libdir}/pkgconfig' pkg-config --define-prefix");
    Ok(Installed { libdir, pkg_config })
}

impl Installed {
    /// Compiles a program with what pkg-config says, which quotes for the
    /// shell; returns what the program wants to load. Nothing else says where
    /// the library is.
    fn compile(&self, words: &str, options: &str) -> Result<String> {
        let pkg_config = &self.pkg_config;
        compile_caller(&format!(
            "cd /tmp
            flags=$({pkg_config} {options} master_proto)
            eval \"cc -Wall -Wextra -Werror -o caller caller.c $flags\" {words}
            readelf -d caller"
        ))
    }
}

fn dynamic_program_by_pkg_config_works((_, install): &Tree) -> Result<()> {
    let installed = install()?;
    let loads = installed.compile("", "--cflags --libs")?;
    ensure!(loads.contains("Shared library: [libmaster_proto.so.1]"), "{loads}");
    // At run time, where it is is the loader's matter.
    calls_by(&format!("LD_LIBRARY_PATH='{}' /tmp/caller", installed.libdir))
}

fn static_program_by_pkg_config_works((_, install): &Tree) -> Result<()> {
    let loads = install()?.compile("-static", "--static --cflags --libs")?;
    ensure!(!loads.contains("NEEDED"), "{loads}");
    calls_by("/tmp/caller")
}

fn program_by_object_and_pkg_config_works((_, install): &Tree) -> Result<()> {
    let installed = install()?;
    let object = format!("'\"{}/master_proto.o\"'", installed.libdir);
    let loads = installed.compile(&object, "--cflags")?;
    ensure!(!loads.contains("libmaster_proto"), "{loads}");
    calls_by("/tmp/caller")
}

/// As it is written there.
fn command_in_master_notify_3_works_when_staged() -> Result<()> {
    let libdir = staged()?.libdir;
    let page = man::by_mandoc("master_notify.3")?;
    let command = page.lines().map(str::trim).find(|line| line.starts_with("cc example.c"));
    let command = command.context("no command in master_notify(3)")?;
    fs::write("/tmp/example.c", man::program(&page)?)?;
    sh!("cd /tmp
        export PKG_CONFIG_SYSROOT_DIR=/tmp/stage PKG_CONFIG_LIBDIR={libdir}/pkgconfig
        {command}")?;
    let sent = messages_of(&format!("LD_LIBRARY_PATH={libdir} GENERATION=1 /tmp/example"))?;
    ensure!(sent.len() == 2, "{sent:?}");
    Ok(())
}
