//! What a user sees who gives bad input or lacks something: one message that says
//! what is wrong, where, and what to do next; a failure; and nothing of theirs changed.

use std::net::TcpListener;
use tests::instance::Instance;
use tests::prelude::*;

/// Runs each COMMAND of lines `TEXT | COMMAND`, in a copy of the checkout whose path has
/// spaces. The last line that it prints must contain TEXT. The copy stays as it was.
fn refused(rows: &str) -> Result {
    sandbox(|| {
        clone_checkout(&scratch().join("a b"))?;
        clone_checkout(&scratch().join("before"))?;
        script(SETTING)?;
        for row in rows.lines().filter(|row| !row.is_empty()) {
            let (text, command) = row.split_once(" | ").context("no | in a row")?;
            refuses(text, &format!("cd \"$TMPDIR/a b\"; {command}"))?;
        }
        sh!("test ! -e $TMPDIR/out/master_proto.o
            diff -r --exclude=build $TMPDIR/before \"$TMPDIR/a b\"")
    })
}

/// Directories for PATH: the basic tools; an unshare(1) as where ordinary users can have no
/// user namespace; and one as where they can, but without subordinate IDs. A user; root
/// without the right to write to the directories of others; and such a directory. For apt,
/// the host's configuration hidden, which may name a proxy.
const SETTING: &str = r#"cd $TMPDIR
    mkdir basic none some theirs empty
    for tool in sh awk cat cp cut dirname env getconf grep id ls mkdir mktemp mv od readelf rm \
        sed setpriv sort tail tar touch tr uname; do
        ln -s $(command -v $tool) basic
    done
    ln -s /bin/false none/unshare
    ln -s /bin/true some/unshare
    ln -s /bin/true some/newuidmap
    ln -s $(command -v apt-get) some
    printf '#!/bin/sh\nexec setpriv --reuid=1 --clear-groups "$@"\n' >user
    printf '#!/bin/sh\nexec setpriv --bounding-set=-dac_override --inh-caps=-dac_override "$@"\n' >restricted
    printf '#!/bin/sh\necho rustc 1.84.1 of a test\n' >old-rustc
    chmod +x user restricted old-rustc
    chown daemon theirs
    echo 'Dir::Etc { main "/dev/null"; parts "/dev/null"; }' >apt.conf
    mkdir -p old/src/master 3.3/src/master 3.3/src/global
    touch file old/makedefs 3.3/makedefs 3.3/src/master/master_proto.h
    echo 'extern int master_notify(int pid, int);' >old/src/master/master_proto.h
    echo '#define MAIL_VERSION_NUMBER "3.3.1"' >3.3/src/global/mail_version.h"#;

#[test]
fn building_without_its_tools_or_into_the_wrong_place_is_refused() -> Result {
    refused(
        r"
no Rust compiler | PATH=$TMPDIR/basic tools/build $TMPDIR/out
'no-cargo' is missing | CARGO=no-cargo tools/build $TMPDIR/out
'no-ar' is missing | AR=no-ar tools/build $TMPDIR/out
'no-readelf' is missing | READELF=no-readelf tools/build $TMPDIR/out
is too old. Install Rust 1. | RUSTC=$TMPDIR/old-rustc tools/build $TMPDIR/out
It needs a C compiler | RUSTFLAGS='-C linker=no-cc' tools/build $TMPDIR/out
and the crate libc | CARGO_HOME=$TMPDIR/empty tools/build $TMPDIR/out
DEBUG=yes is neither 0 nor 1 | make DEBUG=yes BUILD=$TMPDIR/out
BRANCH_PROTECTION=2 is neither 0 nor 1 | make BRANCH_PROTECTION=2 BUILD=$TMPDIR/out
cannot make the directory | tools/build $TMPDIR/file
is not writable by root | $TMPDIR/restricted tools/build $TMPDIR/theirs
This_Makefile_needs_GNU_make | bmake 2>&1 | grep :; false
Run 'make clean' as root. | mkdir -p build/of-root; $TMPDIR/user make clean
Install librust-libc-dev | tools/system-libc /nowhere
",
    )
}

#[test]
fn machine_that_lacks_something_is_refused() -> Result {
    refused(
        r"
there is no apt-get here. Install | PATH=$TMPDIR/basic tools/deps check
unknown word 'tea' | tools/deps tea
has no debian/control | tools/deps debian $TMPDIR
daemon can have no user namespace here | PATH=$TMPDIR/none:$PATH $TMPDIR/user tools/deps demo
usermod --add-subuids 100000-165535 | PATH=$TMPDIR/some:$PATH $TMPDIR/user tools/deps demo
As root: apt-get update && apt-get satisfy | PATH=$TMPDIR/basic:$TMPDIR/some $TMPDIR/user tools/deps check
docker run --cap-add=SETUID | setpriv --bounding-set=-setuid --inh-caps=-setuid tools/deps demo
",
    )
}

#[test]
fn name_of_no_test_suite_or_package_is_refused() -> Result {
    refused(
        r"
no test has a name that contains 'tea' | tests/run.sh tea Cargo.toml
no mutant's name contains 'coffee' | tests/mutants.sh coffee
SUITE=Trixie is no name of a Debian suite | tests/chroot.sh Trixie title name
VERSION=1.0 is no version such as 1.0.0 | tests/release-check.sh 1.0
'tea' is nothing to fetch | tests/fetch.sh tea
'tea' is no tree | tests/build-postfix.sh tea
",
    )
}

#[test]
fn what_is_no_postfix_source_is_refused() -> Result {
    refused(
        r"
/missing is neither a directory nor a file | tests/copy-source.sh $TMPDIR/missing build/taken
/empty is not a Postfix source | tests/copy-source.sh $TMPDIR/empty build/taken
/file is not a tar archive | echo text >$TMPDIR/file; tests/copy-source.sh $TMPDIR/file build/taken
/old is older than Postfix 2.2 | tests/copy-source.sh $TMPDIR/old build/taken
is Postfix 3.3.1. The demo and the tests need Postfix 3.4 | tests/copy-source.sh $TMPDIR/3.3 build/taken
",
    )
}

#[test]
fn directory_and_tarball_of_a_user_give_the_same_source() -> Result {
    sandbox(|| {
        sh!("cp -a build/postfix/source $TMPDIR/own
            tar -C $TMPDIR -cf $TMPDIR/own.tar own
            for given in own own.tar; do
                tests/copy-source.sh $TMPDIR/$given $TMPDIR/taken
                diff -r --exclude=.taken build/postfix/source $TMPDIR/taken
            done")
    })
}

/// POSTFIX_CCARGS triggers the failure, so this also shows that the flags reach the
/// compiler.
#[test]
fn source_that_does_not_compile_is_named_with_its_log_and_stays_as_it_is() -> Result {
    sandbox(|| {
        clone_checkout(&scratch().join("a b"))?;
        script(
            r##"cp -a build/postfix/source $TMPDIR/own
            printf '\n#ifdef BROKEN\n#error "on purpose"\n#endif\n' >>$TMPDIR/own/src/util/sys_defs.h
            cp -a $TMPDIR/own $TMPDIR/before"##,
        )?;
        refuses(
            "The full log: build/log/postfix.log",
            "cd \"$TMPDIR/a b\"
            tests/copy-source.sh $TMPDIR/own build/postfix/yours-source
            tests/step.sh 'build Postfix' build/log/postfix.log tests/build-postfix.sh yours-static -DBROKEN",
        )?;
        sh!("grep '#error \"on purpose\"' \"$TMPDIR/a b/build/log/postfix.log\"
            diff -r $TMPDIR/before $TMPDIR/own")
    })
}

#[test]
fn fetching_without_a_network_says_so() -> Result {
    refused(
        "Is there a network, and does the mirror answer? | APT_CONFIG=$TMPDIR/apt.conf \
         http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 tests/fetch.sh source",
    )
}

/// An apt-get that downloads a part, and is killed together with the script; and one
/// that downloads all.
#[test]
fn interrupted_fetch_leaves_nothing_that_looks_whole() -> Result {
    sandbox(|| {
        clone_checkout(&scratch().join("copy"))?;
        sh!(r#"cd $TMPDIR/copy
            mkdir $TMPDIR/bin $TMPDIR/postfix-1
            echo all >$TMPDIR/postfix-1/makedefs
            real=$(command -v apt-get)
            cat >$TMPDIR/bin/apt-get <<END
            #!/bin/sh
            case "\$*" in
            *indextargets*) exec $real "\$@" ;;
            *download-only*)
                echo part >postfix_1.orig.tar.xz
                if [ -e $TMPDIR/pid ]; then
                    kill -KILL \$(cat $TMPDIR/pid)
                    touch more $TMPDIR/ended
                    exit
                fi
                tar -C $TMPDIR -cJf postfix_1.orig.tar.xz postfix-1
                tar -C $TMPDIR -cJf postfix_1.debian.tar.xz postfix-1
                ;;
            esac
END
            sed -i 's/^ *#!/#!/' $TMPDIR/bin/apt-get
            chmod +x $TMPDIR/bin/apt-get
            export PATH=$TMPDIR/bin:$PATH
            status=0
            sh -c 'echo $$ >$TMPDIR/pid; exec tests/fetch.sh source' || status=$?
            test $status = 137
            test ! -e build/postfix/source
            rm $TMPDIR/pid
            until [ -e $TMPDIR/ended ]; do sleep 0.1; done
            tests/fetch.sh source
            test "$(ls build/postfix)" = source
            test "$(cat build/postfix/source/makedefs)" = all"#)
    })
}

/// A limit on the size of files stands for a full disk, at which cargo or the linker fails.
#[test]
fn full_disk_leaves_what_was_built_before() -> Result {
    sandbox(|| {
        clone_checkout(&scratch().join("copy"))?;
        sh!("cd $TMPDIR/copy
            tools/build build
            rm -r build/cargo
            cp -a build $TMPDIR/before")?;
        for blocks in [0, 6] {
            let said = refuses(
                "cannot build the library; cargo's messages are above",
                &format!("cd $TMPDIR/copy; trap '' XFSZ; ulimit -f {blocks}; tools/build build"),
            )?;
            ensure!(said.contains("File too large"), "{said}");
            script("diff -r --exclude=cargo $TMPDIR/before $TMPDIR/copy/build")?;
        }
        refuses(
            "only 0 MB are left on the disk for build/, and a step may take 300",
            "mkdir $TMPDIR/bin
            printf '#!/bin/sh\necho Available; echo a b c 0\n' >$TMPDIR/bin/df
            chmod +x $TMPDIR/bin/df
            cd $TMPDIR/copy
            PATH=$TMPDIR/bin:$PATH tests/step.sh fetch build/log/fetch.log true",
        )
    })
}

#[test]
fn postfix_whose_address_is_taken_says_so() -> Result {
    sandbox(|| {
        let taken = TcpListener::bind((address(), 10025))?;
        std::thread::spawn(move || taken.incoming().for_each(drop));
        let started = Instance::create("instance", &tree("static"))?.start();
        let error = format!("{:#}", started.err().context("it has started")?);
        ensure!(error.contains("Address already in use"), "{error}");
        Ok(())
    })
}

#[test]
fn tree_that_is_not_there_is_named() -> Result {
    sandbox(|| {
        let panic = std::panic::catch_unwind(|| tree("none")).err().context("it is there")?;
        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
        ensure!(text == "there is no build/postfix/none; `make prepare` builds it", "{text}");
        Ok(())
    })
}
