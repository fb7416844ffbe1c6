//! `make install` and `make uninstall`, and what a C programmer does with the
//! result. Each case installs into its own /tmp.

use super::{man, manifest, messages_of};
use std::fs;
use std::os::unix::fs::MetadataExt;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![
        layout_and_permissions_do_not_depend_on_the_umask,
        contents_are_what_was_built,
        second_install_changes_nothing,
        libraries_that_programs_have_mapped_are_left_alone,
        uninstall_leaves_nothing,
        uninstall_spares_the_files_of_others,
        each_folder_has_a_variable,
        slashes_too_many_are_not_kept,
        needs_no_rust,
        refuses_what_is_not_built,
        refuses_a_target_that_is_a_file,
        refuses_a_read_only_part_of_the_target,
        refuses_to_uninstall_from_a_read_only_folder,
        refuses_a_folder_in_the_place_of_a_file,
        refuses_a_link_to_nowhere,
        moved_tree_serves_with_define_prefix,
        command_in_master_notify_3_works_when_staged,
    ];
    for (word, why) in [
        ("PREFIX=usr", "PREFIX=usr is not an absolute path"),
        ("LIBDIR=lib", "LIBDIR=lib is not an absolute path"),
        ("PREFIX=", "PREFIX= is not an absolute path"),
        ("prefix=/usr", "'prefix' is set; the names are DESTDIR PREFIX"),
    ] {
        cases.push(Case::new(format!("ships::install::refuses_{word}"), move || {
            refuses_to_install(why, &[word, "DESTDIR=/tmp/stage"])?;
            ensure!(!Path::new("/tmp/stage").exists());
            Ok(())
        }));
    }
    for tree in [Tree::Staged, Tree::WithSpaces] {
        for (how, program) in [
            ("dynamic", dynamic_program as fn(&Installed) -> Result<()>),
            ("static", static_program),
            ("object", program_by_object),
        ] {
            let name = format!("ships::install::{tree:?}_serves_a_program_by_pkg_config_{how}");
            cases.push(Case::new(name.to_lowercase(), move || program(&tree.install()?)));
        }
    }
    cases
}

fn make(words: &[&str]) -> Result<String> {
    let sh = Shell::new()?;
    Ok(cmd!(sh, "make {words...}").read()?)
}

fn install(words: &[&str]) -> Result<String> {
    make(&[&["install"], words].concat())
}

fn refuses_to_install(why: &str, words: &[&str]) -> Result<()> {
    let sh = Shell::new()?;
    let said = refuses(why, cmd!(sh, "make install {words...}"))?;
    ensure!(said.contains("Nothing was changed"));
    Ok(())
}

/// Type, permissions, path and target of each entry below a folder.
fn listing(folder: &str) -> Result<String> {
    let sh = Shell::new()?;
    sh.change_dir(folder);
    let found = cmd!(sh, "find . -mindepth 1 -printf '%y %m %P %l\n'").read()?;
    let mut lines: Vec<_> = found.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.sort_by_key(|line| line.split(' ').nth(2).map(str::to_owned));
    Ok(lines.join("\n"))
}

/// That, and the contents.
fn everything(folder: &str) -> Result<String> {
    let sh = Shell::new()?;
    sh.change_dir(folder);
    let sums = cmd!(sh, "sh -c 'find . -type f -exec cksum {} + | sort -k 3'").read()?;
    Ok(listing(folder)? + &sums)
}

fn triplet() -> Result<String> {
    let sh = Shell::new()?;
    Ok(cmd!(sh, "cc -print-multiarch").read()?)
}

fn layout_and_permissions_do_not_depend_on_the_umask() -> Result<()> {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    install(&["DESTDIR=/tmp/stage"])?;
    let version = manifest("version")?;
    let expected = format!(
        "\
d 755 usr
d 755 usr/local
d 755 usr/local/include
f 644 usr/local/include/master_proto.h
d 755 usr/local/lib
f 644 usr/local/lib/libmaster_proto.a
l 777 usr/local/lib/libmaster_proto.so libmaster_proto.so.1
l 777 usr/local/lib/libmaster_proto.so.1 libmaster_proto.so.{version}
f 644 usr/local/lib/libmaster_proto.so.{version}
f 644 usr/local/lib/master_proto.o
d 755 usr/local/lib/pkgconfig
f 644 usr/local/lib/pkgconfig/master_proto.pc
d 755 usr/local/share
d 755 usr/local/share/man
d 755 usr/local/share/man/man3
f 644 usr/local/share/man/man3/master_notify.3
d 755 usr/local/share/man/man7
f 644 usr/local/share/man/man7/master_proto.7"
    );
    let found = listing("/tmp/stage")?;
    ensure!(found == expected, "installed:\n{found}");
    Ok(())
}

fn contents_are_what_was_built() -> Result<()> {
    install(&["DESTDIR=/tmp/stage"])?;
    let version = manifest("version")?;
    let root = checkout();
    for (built, installed) in [
        (artefact("master_proto.o"), "lib/master_proto.o".to_owned()),
        (artefact("libmaster_proto.a"), "lib/libmaster_proto.a".to_owned()),
        (artefact("libmaster_proto.so"), format!("lib/libmaster_proto.so.{version}")),
        (root.join("include/master_proto.h"), "include/master_proto.h".to_owned()),
        (root.join("man/master_notify.3"), "share/man/man3/master_notify.3".to_owned()),
        (root.join("man/master_proto.7"), "share/man/man7/master_proto.7".to_owned()),
    ] {
        let installed = Path::new("/tmp/stage/usr/local").join(installed);
        ensure!(fs::read(&built)? == fs::read(&installed)?, "{}", installed.display());
    }
    let pc = fs::read_to_string("/tmp/stage/usr/local/lib/pkgconfig/master_proto.pc")?;
    let description = manifest("description")?;
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

fn second_install_changes_nothing() -> Result<()> {
    install(&["DESTDIR=/tmp/stage"])?;
    let first = everything("/tmp/stage")?;
    install(&["DESTDIR=/tmp/stage"])?;
    ensure!(everything("/tmp/stage")? == first);
    Ok(())
}

fn libraries_that_programs_have_mapped_are_left_alone() -> Result<()> {
    install(&["DESTDIR=/tmp/stage"])?;
    let name = "/tmp/stage/usr/local/lib/libmaster_proto.so";
    let mapped = fs::File::open(name)?; // so that its number is not given away again
    install(&["DESTDIR=/tmp/stage"])?;
    ensure!(mapped.metadata()?.ino() != fs::metadata(name)?.ino());
    Ok(())
}

fn uninstall_leaves_nothing() -> Result<()> {
    install(&["DESTDIR=/tmp/stage"])?;
    make(&["uninstall", "DESTDIR=/tmp/stage"])?;
    ensure!(!Path::new("/tmp/stage").exists(), "{}", listing("/tmp/stage")?);
    make(&["uninstall", "DESTDIR=/tmp/stage"])?; // nothing there: nothing to do
    Ok(())
}

fn uninstall_spares_the_files_of_others() -> Result<()> {
    install(&["DESTDIR=/tmp/stage"])?;
    fs::write("/tmp/stage/usr/local/lib/other.so", "")?;
    make(&["uninstall", "DESTDIR=/tmp/stage"])?;
    let found = listing("/tmp/stage")?;
    ensure!(
        found == "d 755 usr\nd 755 usr/local\nd 755 usr/local/lib\nf 644 usr/local/lib/other.so",
        "{found}"
    );
    // Without DESTDIR, even empty folders are the system's.
    install(&["PREFIX=/tmp/prefix"])?;
    make(&["uninstall", "PREFIX=/tmp/prefix"])?;
    let found = listing("/tmp/prefix")?;
    ensure!(found.contains("d 755 lib/pkgconfig") && !found.contains("f 644"), "{found}");
    Ok(())
}

fn each_folder_has_a_variable() -> Result<()> {
    let words = [
        "DESTDIR=/tmp/stage",
        "PREFIX=/p",
        "LIBDIR=/l",
        "INCLUDEDIR=/i",
        "PKGCONFIGDIR=/c",
        "MANDIR=/m",
    ];
    install(&words)?;
    let version = manifest("version")?;
    let expected = format!(
        "c/master_proto.pc i/master_proto.h l/libmaster_proto.a l/libmaster_proto.so \
         l/libmaster_proto.so.1 l/libmaster_proto.so.{version} l/master_proto.o \
         m/man3/master_notify.3 m/man7/master_proto.7"
    );
    let found = listing("/tmp/stage")?;
    let files = found
        .lines()
        .filter(|line| !line.starts_with('d'))
        .filter_map(|line| line.split(' ').nth(2));
    ensure!(files.collect::<Vec<_>>().join(" ") == expected, "{found}");
    make(&[&["uninstall"], &words[..]].concat())?;
    ensure!(!Path::new("/tmp/stage").exists());
    Ok(())
}

/// pkg-config would not know the system's folders by them.
fn slashes_too_many_are_not_kept() -> Result<()> {
    install(&["DESTDIR=/tmp/plain", "PREFIX=/usr", "LIBDIR=/usr/lib/triplet"])?;
    let said = install(&[
        "DESTDIR=/tmp/slash/",
        "PREFIX=/usr/",
        "LIBDIR=/usr/lib/triplet//",
        "MANDIR=/usr//share/man/",
    ])?;
    ensure!(!said.contains("//"), "{said}");
    ensure!(everything("/tmp/plain")? == everything("/tmp/slash")?);
    Ok(())
}

fn needs_no_rust() -> Result<()> {
    let sh = Shell::new()?;
    for tool in ["cargo", "rustc"] {
        sh.write_file(format!("/tmp/bin/{tool}"), "#!/bin/sh\necho called >>/tmp/called\n")?;
    }
    cmd!(sh, "chmod -R 755 /tmp/bin").run()?;
    sh.set_var("PATH", format!("/tmp/bin:{}", sh.var("PATH")?));
    cmd!(sh, "rustc").run()?;
    fs::remove_file("/tmp/called").context("the trap does not work")?;
    cmd!(sh, "make install DESTDIR=/tmp/stage").run()?;
    ensure!(!Path::new("/tmp/called").exists());
    Ok(())
}

fn refuses_what_is_not_built() -> Result<()> {
    fs::create_dir("/tmp/empty")?;
    refuses_to_install("Run 'make' first", &["BUILD=/tmp/empty", "DESTDIR=/tmp/stage"])?;
    ensure!(!Path::new("/tmp/stage").exists());
    Ok(())
}

fn refuses_a_target_that_is_a_file() -> Result<()> {
    fs::write("/tmp/file", "of others")?;
    refuses_to_install("/tmp/file is not a folder that you may write to", &["DESTDIR=/tmp/file"])?;
    ensure!(fs::read("/tmp/file")? == b"of others");
    Ok(())
}

/// Root may write anywhere else.
fn make_read_only(folder: &str) -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "mount --bind {folder} {folder}").run()?;
    Ok(cmd!(sh, "mount -o remount,bind,ro {folder}").run()?)
}

/// The last folder is the read-only one: a check that comes too late leaves files.
fn refuses_a_read_only_part_of_the_target() -> Result<()> {
    fs::create_dir_all("/tmp/ro")?;
    make_read_only("/tmp/ro")?;
    refuses_to_install(
        "Cannot write to /tmp/ro/man/man3",
        &["PREFIX=/tmp/rw", "MANDIR=/tmp/ro/man"],
    )?;
    ensure!(!Path::new("/tmp/rw").exists());
    Ok(())
}

fn refuses_to_uninstall_from_a_read_only_folder() -> Result<()> {
    install(&["PREFIX=/tmp/prefix"])?;
    let before = everything("/tmp/prefix")?;
    make_read_only("/tmp/prefix/share/man")?;
    let sh = Shell::new()?;
    refuses(
        "Cannot write to /tmp/prefix/share/man",
        cmd!(sh, "make uninstall PREFIX=/tmp/prefix"),
    )?;
    ensure!(everything("/tmp/prefix")? == before);
    cmd!(sh, "umount /tmp/prefix/share/man").run()?;
    make(&["uninstall", "PREFIX=/tmp/prefix"])?;
    ensure!(!listing("/tmp/prefix")?.contains("f 644"));
    Ok(())
}

/// Else the file would be put into it.
fn refuses_a_folder_in_the_place_of_a_file() -> Result<()> {
    fs::create_dir_all("/tmp/stage/usr/local/lib/libmaster_proto.so.1")?;
    let before = listing("/tmp/stage")?;
    refuses_to_install("libmaster_proto.so.1 is a folder", &["DESTDIR=/tmp/stage"])?;
    ensure!(listing("/tmp/stage")? == before);
    Ok(())
}

fn refuses_a_link_to_nowhere() -> Result<()> {
    fs::create_dir_all("/tmp/stage/usr/local")?;
    std::os::unix::fs::symlink("nowhere", "/tmp/stage/usr/local/lib")?;
    let before = listing("/tmp/stage")?;
    refuses_to_install(
        "usr/local/lib is not a folder that you may write to",
        &["DESTDIR=/tmp/stage"],
    )?;
    ensure!(listing("/tmp/stage")? == before);
    Ok(())
}

/// Two places that differ in all that matters to pkg-config.
#[derive(Clone, Copy, Debug)]
enum Tree {
    /// As for a Debian package: /usr with a multiarch folder, below DESTDIR.
    Staged,
    /// A place of one's own.
    WithSpaces,
}

struct Installed {
    libdir: String,
    /// What comes before pkg-config's options.
    pkg_config: String,
}

impl Tree {
    fn install(self) -> Result<Installed> {
        let (libdir, environment) = match self {
            Tree::Staged => {
                let libdir = format!("/usr/lib/{}", triplet()?);
                install(&["DESTDIR=/tmp/stage", "PREFIX=/usr", &format!("LIBDIR={libdir}")])?;
                (format!("/tmp/stage{libdir}"), "PKG_CONFIG_SYSROOT_DIR=/tmp/stage")
            }
            Tree::WithSpaces => {
                let prefix = "/tmp/my own prefix";
                let folder = |variable, name: &str| format!("{variable}={prefix}/{name}");
                install(&[
                    &folder("PREFIX", ""),
                    &folder("LIBDIR", "my lib"),
                    &folder("INCLUDEDIR", "my  headers"),
                ])?;
                (format!("{prefix}/my lib"), "")
            }
        };
        let pkg_config = format!("{environment} PKG_CONFIG_LIBDIR='{libdir}/pkgconfig' pkg-config");
        Ok(Installed { libdir, pkg_config })
    }
}

impl Installed {
    /// Compiles a program with what pkg-config says, which quotes for the
    /// shell; returns what the program wants to load. Nothing else says where
    /// the library is.
    fn compile(&self, words: &str, options: &str) -> Result<String> {
        let sh = Shell::new()?;
        sh.change_dir("/tmp");
        sh.write_file("caller.c", super::CALLER)?;
        let pkg_config = &self.pkg_config;
        let script = format!(
            "flags=$({pkg_config} {options} master_proto)
             eval \"cc -Wall -Wextra -Werror -o caller caller.c $flags\" {words}
             readelf -d caller"
        );
        Ok(cmd!(sh, "sh -euc {script}").read()?)
    }
}

fn dynamic_program(installed: &Installed) -> Result<()> {
    let loads = installed.compile("", "--cflags --libs")?;
    ensure!(loads.contains("Shared library: [libmaster_proto.so.1]"), "{loads}");
    let libdir = &installed.libdir; // at run time, this is the loader's matter
    ensure!(messages_of(&format!("LD_LIBRARY_PATH='{libdir}' /tmp/caller"))? == super::CALLED);
    Ok(())
}

fn static_program(installed: &Installed) -> Result<()> {
    let loads = installed.compile("-static", "--static --cflags --libs")?;
    ensure!(!loads.contains("NEEDED"), "{loads}");
    ensure!(messages_of("/tmp/caller")? == super::CALLED);
    Ok(())
}

fn program_by_object(installed: &Installed) -> Result<()> {
    let object = format!("'\"{}/master_proto.o\"'", installed.libdir);
    let loads = installed.compile(&object, "--cflags")?;
    ensure!(!loads.contains("libmaster_proto"), "{loads}");
    ensure!(messages_of("/tmp/caller")? == super::CALLED);
    Ok(())
}

fn moved_tree_serves_with_define_prefix() -> Result<()> {
    Tree::WithSpaces.install()?;
    fs::rename("/tmp/my own prefix", "/tmp/moved")?;
    let libdir = "/tmp/moved/my lib".to_owned();
    // It looks for the prefix two folders above the file.
    let pkg_config = format!("PKG_CONFIG_LIBDIR='{libdir}/pkgconfig' pkg-config --define-prefix");
    dynamic_program(&Installed { libdir, pkg_config })
}

/// As it is written there.
fn command_in_master_notify_3_works_when_staged() -> Result<()> {
    let installed = Tree::Staged.install()?;
    let sh = Shell::new()?;
    let page = man::by_mandoc("master_notify.3")?;
    let command = page.lines().map(str::trim).find(|line| line.starts_with("cc example.c"));
    let command = command.context("no command in master_notify(3)")?;
    sh.change_dir("/tmp");
    sh.write_file("example.c", man::program(&page)?)?;
    sh.set_var("PKG_CONFIG_SYSROOT_DIR", "/tmp/stage");
    sh.set_var("PKG_CONFIG_LIBDIR", format!("{}/pkgconfig", installed.libdir));
    cmd!(sh, "sh -euxc {command}").run()?;
    let libdir = installed.libdir;
    let sent = messages_of(&format!("LD_LIBRARY_PATH={libdir} GENERATION=1 /tmp/example"))?;
    ensure!(sent.len() == 2, "{sent:?}");
    Ok(())
}
