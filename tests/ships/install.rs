//! `make install` and `make uninstall`, and what a C programmer does with the
//! result. Each case installs into its own /tmp.

use super::man;
use std::fs;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        layout_and_permissions_do_not_depend_on_the_umask,
        contents_are_what_was_built,
        second_install_changes_nothing_and_no_library_that_programs_have_mapped,
        each_folder_has_a_variable_and_uninstall_leaves_nothing,
        uninstall_spares_the_files_of_others,
        slashes_too_many_are_not_kept,
        needs_no_rust,
        refuses_to_install for REFUSED,
        refuses_to_uninstall_from_a_read_only_folder,
        programs_by_pkg_config_work for TREES,
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
        cmp man/master_proto.7 $to/share/man/man7/master_proto.7
        diff -u - $to/lib/pkgconfig/master_proto.pc <<'end' >&2
prefix=/usr/local
exec_prefix=${{prefix}}
libdir=${{prefix}}/lib
includedir=${{prefix}}/include

Name: master_proto
Version: {version}
Description: {description}
Libs: -L${{libdir}} -lmaster_proto
Cflags: -I${{includedir}}
end")?;
    Ok(())
}

fn second_install_changes_nothing_and_no_library_that_programs_have_mapped() -> Result<()> {
    sh!("make install DESTDIR=/tmp/stage")?;
    let first = everything("/tmp/stage")?;
    // It is held open so that its number is not given away again.
    sh!("library=/tmp/stage/usr/local/lib/libmaster_proto.so
        exec 3<$library
        make install DESTDIR=/tmp/stage
        test $(stat -L -c %i $library) != $(stat -L -c %i /proc/self/fd/3)")?;
    ensure!(everything("/tmp/stage")? == first);
    Ok(())
}

/// Where there is nothing, uninstall has nothing to do.
fn each_folder_has_a_variable_and_uninstall_leaves_nothing() -> Result<()> {
    let words = "DESTDIR=/tmp/stage PREFIX=/p LIBDIR=/l INCLUDEDIR=/i PKGCONFIGDIR=/c MANDIR=/m";
    let found = sh!("make install {words} >&2; cd /tmp/stage; find * ! -type d | LC_ALL=C sort")?;
    let expected = format!(
        "c/master_proto.pc i/master_proto.h l/libmaster_proto.a l/libmaster_proto.so \
         l/libmaster_proto.so.1 l/libmaster_proto.so.{} l/master_proto.o \
         m/man3/master_notify.3 m/man7/master_proto.7",
        manifest("version")?
    );
    ensure!(found.replace('\n', " ") == expected, "{found}");
    for _ in 0..2 {
        sh!("make uninstall {words}")?;
        ensure!(!Path::new("/tmp/stage").exists());
    }
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
        make install DESTDIR=/tmp/stage
        test ! -e /tmp/called")?;
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

/// Places that differ in all that matters to pkg-config, and what puts the library
/// there: as for a Debian package, /usr with a multiarch folder, below DESTDIR; with
/// spaces; and moved, where pkg-config looks for the prefix two folders above the file.
const TREES: [(&str, &str); 3] = [
    ("staged", STAGED),
    ("with_spaces", "spaces"),
    (
        "moved",
        "spaces; mv '/tmp/my own prefix' /tmp/moved; lib='/tmp/moved/my lib'; moved=--define-prefix",
    ),
];
const STAGED: &str = "libdir=/usr/lib/$(cc -print-multiarch)
    make install DESTDIR=/tmp/stage PREFIX=/usr LIBDIR=$libdir
    export PKG_CONFIG_SYSROOT_DIR=/tmp/stage
    lib=/tmp/stage$libdir";

/// Three programs, each compiled with what pkg-config says, which quotes for the
/// shell. Nothing else says where the library is, but for the loader at run time.
fn programs_by_pkg_config_work((_, install): &(&str, &str)) -> Result<()> {
    let lib = compile_caller(&format!(
        "spaces() {{
            prefix='/tmp/my own prefix' lib='/tmp/my own prefix/my lib'
            make install PREFIX=\"$prefix/\" LIBDIR=\"$lib\" INCLUDEDIR=\"$prefix/my  headers\"
        }}
        moved=
        {{ {install}
        }} >&2
        export PKG_CONFIG_LIBDIR=\"$lib/pkgconfig\"
        build() {{ # NAME CC'S WORDS PKG-CONFIG'S WORDS: compiles it, and says what it loads
            flags=$(pkg-config $moved $3 master_proto)
            eval \"cc -Wall -Wextra -Werror -o $1 caller.c $2 $flags\"
            readelf -d $1 >$1.loads
        }}
        cd /tmp
        build dynamic '' '--cflags --libs'
        grep -F 'Shared library: [libmaster_proto.so.1]' dynamic.loads >&2
        build static -static '--static --cflags --libs'
        build object \"'$lib/master_proto.o'\" --cflags
        if grep -e NEEDED static.loads || grep libmaster_proto object.loads; then exit 1; fi
        echo \"$lib\""
    ))?;
    calls_by(&format!("LD_LIBRARY_PATH='{lib}' /tmp/dynamic"))?;
    calls_by("/tmp/static")?;
    calls_by("/tmp/object")
}

/// As it is written there.
fn command_in_master_notify_3_works_when_staged() -> Result<()> {
    let page = man::by_mandoc("master_notify.3")?;
    let command = page.lines().map(str::trim).find(|line| line.starts_with("cc example.c"));
    let command = command.context("no command in master_notify(3)")?;
    fs::write("/tmp/example.c", man::program(&page)?)?;
    sh!("{STAGED}
        cd /tmp
        export PKG_CONFIG_LIBDIR=$lib/pkgconfig
        {command}
        mv $lib /tmp/lib")?;
    let sent = messages_of("LD_LIBRARY_PATH=/tmp/lib GENERATION=1 /tmp/example")?;
    ensure!(sent.len() == 2, "{sent:?}");
    Ok(())
}
