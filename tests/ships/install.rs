//! `make install` and `make uninstall`, and what a C programmer does with the result.

use super::man;
use std::fs;
use tests::prelude::*;

/// Path, type, permissions and target of each entry below a directory.
fn listing(directory: &str) -> Result<String> {
    sh!("cd {directory}; find . -mindepth 1 -printf '%P %y %m %l\n' | sed 's/ $//' | LC_ALL=C sort")
}

/// That, and the contents.
fn everything(directory: &str) -> Result<String> {
    let contents = sh!("cd {directory}; find . -type f -exec cksum {{}} + | sort -k 3")?;
    Ok(listing(directory)? + &contents)
}

#[test]
fn layout_and_permissions_do_not_depend_on_the_umask_and_uninstall_leaves_nothing() -> Result {
    sandbox(|| script("tests/install.sh"))
}

#[test]
fn contents_are_what_was_built() -> Result {
    sandbox(|| {
        let (version, description) = (manifest("version")?, manifest("description")?);
        sh!("make install DESTDIR=$TMPDIR/stage
            to=$TMPDIR/stage/usr/local
            for name in master_proto.o libmaster_proto.a libmaster_proto.so; do
                cmp build/$name $to/lib/$name
            done
            cmp include/master_proto.h $to/include/master_proto.h
            cmp man/master_notify.3 $to/share/man/man3/master_notify.3
            cmp man/master_proto.7 $to/share/man/man7/master_proto.7
            diff -r examples $to/share/doc/master_proto/examples
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
end")
    })
}

#[test]
fn second_install_changes_nothing_and_no_library_that_programs_have_mapped() -> Result {
    sandbox(|| {
        script("make install DESTDIR=$TMPDIR/stage")?;
        let first = everything("$TMPDIR/stage")?;
        // The library is held open so that its inode number is not given away again.
        sh!("library=$TMPDIR/stage/usr/local/lib/libmaster_proto.so
            exec 3<$library
            make install DESTDIR=$TMPDIR/stage
            test $(stat -L -c %i $library) != $(stat -L -c %i /proc/self/fd/3)")?;
        ensure!(everything("$TMPDIR/stage")? == first);
        Ok(())
    })
}

/// Where there is nothing, uninstall has nothing to do.
#[test]
fn each_directory_has_a_variable_and_uninstall_leaves_nothing() -> Result {
    sandbox(|| {
        let variables = "DESTDIR=$TMPDIR/stage PREFIX=/p LIBDIR=/l INCLUDEDIR=/i PKGCONFIGDIR=/c MANDIR=/m DOCDIR=/d";
        let found = sh!("make install {variables} >&2
            cd $TMPDIR/stage; find * ! -type d | LC_ALL=C sort")?;
        let expected = format!(
            "c/master_proto.pc d/examples/child.c d/examples/many.c d/examples/notify.c \
             d/examples/service.h i/master_proto.h l/libmaster_proto.a l/libmaster_proto.so \
             l/libmaster_proto.so.1 l/libmaster_proto.so.{} l/master_proto.o \
             m/man3/master_notify.3 m/man7/master_proto.7",
            manifest("version")?
        );
        ensure!(found.replace('\n', " ") == expected, "{found}");
        sh!("for time in first second; do
                make uninstall {variables}
                test ! -e $TMPDIR/stage
            done")
    })
}

#[test]
fn uninstall_spares_the_files_of_others() -> Result {
    sandbox(|| {
        sh!("make install DESTDIR=$TMPDIR/stage
            echo other >$TMPDIR/stage/usr/local/lib/other.so
            make uninstall DESTDIR=$TMPDIR/stage")?;
        let found = listing("$TMPDIR/stage")?;
        let expected =
            "usr d 755\nusr/local d 755\nusr/local/lib d 755\nusr/local/lib/other.so f 644";
        ensure!(found == expected, "{found}");
        // Without DESTDIR, even empty directories are the system's.
        script("make install PREFIX=$TMPDIR/prefix; make uninstall PREFIX=$TMPDIR/prefix")?;
        let found = listing("$TMPDIR/prefix")?;
        ensure!(found.contains("lib/pkgconfig d 755") && !found.contains(" f "), "{found}");
        Ok(())
    })
}

/// With more slashes, pkg-config would not know the system's directories.
#[test]
fn slashes_too_many_are_not_kept() -> Result {
    sandbox(|| {
        script("make install DESTDIR=$TMPDIR/plain PREFIX=/usr LIBDIR=/usr/lib/triplet")?;
        let said = script(
            "make install DESTDIR=$TMPDIR/slash/ PREFIX=/usr/ LIBDIR=/usr/lib/triplet// \
                MANDIR=/usr//share/man/",
        )?;
        ensure!(!said.contains("//"), "{said}");
        ensure!(everything("$TMPDIR/plain")? == everything("$TMPDIR/slash")?);
        Ok(())
    })
}

#[test]
fn needs_no_rust() -> Result {
    sandbox(|| {
        sh!("mkdir $TMPDIR/bin
            printf '#!/bin/sh\necho called >>$TMPDIR/called\n' |
                tee $TMPDIR/bin/cargo >$TMPDIR/bin/rustc
            chmod +x $TMPDIR/bin/*
            PATH=$TMPDIR/bin:$PATH
            rustc
            rm $TMPDIR/called # the trap works
            make install DESTDIR=$TMPDIR/stage
            test ! -e $TMPDIR/called")
    })
}

/// Runs make as root without the right to write to the directories of others.
const RESTRICTED: &str = "setpriv --bounding-set=-dac_override --inh-caps=-dac_override make";

/// Variables of `make install`, the later of two counts; what it says; and what stands in
/// its way. The directory of another user is that of the files that come last: a check
/// that comes too late leaves the others.
const REFUSED: &str = r"
PREFIX=usr | PREFIX=usr is not an absolute path | :
LIBDIR=lib | LIBDIR=lib is not an absolute path | :
PREFIX= | PREFIX= is not an absolute path | :
PREFIX='/opt/c#d' | which pkg-config cannot quote | :
prefix=/usr | 'prefix' is set; the names are DESTDIR PREFIX | :
BUILD=$TMPDIR/empty | Run 'make' first | mkdir $TMPDIR/empty
DESTDIR=$TMPDIR/a | /a is not a directory that you may write to | echo a file >$TMPDIR/a
MANDIR=/theirs/man | /stage/theirs/man/man3 | mkdir -p $TMPDIR/stage/theirs; chown daemon $TMPDIR/stage/theirs
DESTDIR=$TMPDIR/b | libmaster_proto.so.1 is a directory | mkdir -p $TMPDIR/b/usr/local/lib/libmaster_proto.so.1
DESTDIR=$TMPDIR/c | usr/local/lib is not a directory | mkdir -p $TMPDIR/c/usr/local; ln -s nowhere $TMPDIR/c/usr/local/lib
";

#[test]
fn refuses_to_install_before_anything_is_changed() -> Result {
    sandbox(|| {
        for row in REFUSED.trim().lines() {
            let [variables, why, obstacle] = row.split(" | ").collect::<Vec<_>>()[..] else {
                bail!("{row}")
            };
            script(obstacle)?;
            let before = everything("$TMPDIR")?;
            let command = format!("{RESTRICTED} install DESTDIR=$TMPDIR/stage {variables}");
            let said = refuses(why, &command)?;
            ensure!(said.contains("Nothing was changed"), "{said}");
            ensure!(everything("$TMPDIR")? == before, "something was changed by {command}");
        }
        Ok(())
    })
}

#[test]
fn refuses_to_uninstall_from_a_directory_of_another_user() -> Result {
    sandbox(|| {
        sh!("make install PREFIX=$TMPDIR/prefix
            chown -R daemon $TMPDIR/prefix/share/man")?;
        let before = everything("$TMPDIR/prefix")?;
        refuses("/prefix/share/man", &format!("{RESTRICTED} uninstall PREFIX=$TMPDIR/prefix"))?;
        ensure!(everything("$TMPDIR/prefix")? == before);
        script("make uninstall PREFIX=$TMPDIR/prefix")?;
        ensure!(!listing("$TMPDIR/prefix")?.contains(" f "));
        Ok(())
    })
}

/// As for a Debian package: /usr with a multiarch directory, below DESTDIR.
const STAGED: &str = "libdir=/usr/lib/$(cc -print-multiarch)
    make install DESTDIR=$TMPDIR/stage PREFIX=/usr LIBDIR=$libdir
    export PKG_CONFIG_SYSROOT_DIR=$TMPDIR/stage
    lib=$TMPDIR/stage$libdir";
const WITH_SPACES: &str = "prefix=\"$TMPDIR/my own prefix\"
    lib=\"$prefix/my lib\"
    make install PREFIX=\"$prefix/\" LIBDIR=\"$lib\" INCLUDEDIR=\"$prefix/my  headers\"";

#[test]
fn programs_by_pkg_config_work_when_staged() -> Result {
    sandbox(|| programs_by_pkg_config_work(STAGED))
}

#[test]
fn programs_by_pkg_config_work_with_spaces() -> Result {
    sandbox(|| programs_by_pkg_config_work(WITH_SPACES))
}

/// pkg-config then takes the directory two levels above the file for the prefix.
#[test]
fn programs_by_pkg_config_work_when_moved() -> Result {
    sandbox(|| {
        programs_by_pkg_config_work(&format!(
            "{WITH_SPACES}
            mv \"$prefix\" $TMPDIR/moved
            lib=\"$TMPDIR/moved/my lib\"
            moved=--define-prefix"
        ))
    })
}

/// Three programs, each compiled with what pkg-config says, which quotes for the
/// shell. Nothing else says where the library is, but for the loader at run time.
fn programs_by_pkg_config_work(install: &str) -> Result {
    let lib = compile_caller(&format!(
        "moved=
        {{ {install}
        }} >&2
        export PKG_CONFIG_LIBDIR=\"$lib/pkgconfig\"
        build() {{ # NAME, ARGUMENTS OF CC, ARGUMENTS OF PKG-CONFIG
            flags=$(pkg-config $moved $3 master_proto)
            eval \"cc -Wall -Wextra -Werror -o $1 caller.c $2 $flags\"
            readelf -d $1 >$1.loads
        }}
        cd $TMPDIR
        build dynamic '' '--cflags --libs'
        grep -F 'Shared library: [libmaster_proto.so.1]' dynamic.loads >&2
        build static -static '--static --cflags --libs'
        build object \"'$lib/master_proto.o'\" --cflags
        if grep -e NEEDED static.loads || grep libmaster_proto object.loads; then exit 1; fi
        echo \"$lib\""
    ))?;
    calls_by(&format!("LD_LIBRARY_PATH='{lib}' $TMPDIR/dynamic"))?;
    calls_by("$TMPDIR/static")?;
    calls_by("$TMPDIR/object")
}

/// As it is written there.
#[test]
fn command_in_master_notify_3_works_when_staged() -> Result {
    sandbox(|| {
        let page = man::by_mandoc("master_notify.3")?;
        let command = page.lines().map(str::trim).find(|line| line.starts_with("cc example.c"));
        let command = command.context("no command in master_notify(3)")?;
        fs::write(scratch().join("example.c"), man::program(&page)?)?;
        sh!("{STAGED}
            cd $TMPDIR
            export PKG_CONFIG_LIBDIR=$lib/pkgconfig
            {command}
            mv $lib $TMPDIR/lib")?;
        let sent = messages_of("LD_LIBRARY_PATH=$TMPDIR/lib GENERATION=1 $TMPDIR/example")?;
        ensure!(sent.len() == 2, "{sent:?}");
        Ok(())
    })
}
