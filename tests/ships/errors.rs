//! What a user sees who gives bad input or lacks something: one message that says
//! what is wrong, where, and what to do next; a failure; and nothing of theirs changed.

use std::net::TcpListener;
use tests::instance::Instance;
use tests::prelude::*;

/// Runs each command in a copy of the checkout whose path has spaces. The last line
/// that it prints must contain the text. The copy stays as it was, and nothing is built.
fn refused(rows: &[(&str, &str)]) -> Result {
    sandbox(|| {
        clone_checkout(&scratch().join("a b"))?;
        clone_checkout(&scratch().join("before"))?;
        // $TMPDIR/tools for a PATH with basic tools alone; compilers that are too old.
        script(
            "mkdir $TMPDIR/tools
            for tool in sh awk cat cp cut dirname env getconf grep id ls mkdir mktemp mv od readelf rm \
                sed setpriv sort tail tar touch tr uname; do
                ln -s $(command -v $tool) $TMPDIR/tools
            done
            printf '#!/bin/sh\necho rustc 1.84.1 of a test\n' >$TMPDIR/old-rustc
            chmod +x $TMPDIR/old-rustc",
        )?;
        for (text, command) in rows {
            refuses(text, &format!("cd \"$TMPDIR/a b\"\n{command}"))?;
        }
        script(
            "test ! -e $TMPDIR/out/master_proto.o
            diff -r --exclude=build $TMPDIR/before \"$TMPDIR/a b\"",
        )?;
        Ok(())
    })
}

#[test]
fn building_without_its_tools_or_into_the_wrong_place_is_refused() -> Result {
    refused(&[
        ("no Rust compiler", "PATH=$TMPDIR/tools tools/build $TMPDIR/out"),
        ("'no-cargo' is missing", "CARGO=no-cargo tools/build $TMPDIR/out"),
        ("'no-ar' is missing", "AR=no-ar tools/build $TMPDIR/out"),
        ("'no-readelf' is missing", "READELF=no-readelf tools/build $TMPDIR/out"),
        ("is too old: Rust 1.", "RUSTC=$TMPDIR/old-rustc tools/build $TMPDIR/out"),
        ("It needs a C compiler", "RUSTFLAGS='-C linker=no-cc' tools/build $TMPDIR/out"),
        ("and the crate libc", "CARGO_HOME=$TMPDIR/empty tools/build $TMPDIR/out"),
        ("DEBUG=yes is neither 0 nor 1", "make DEBUG=yes BUILD=$TMPDIR/out"),
        ("BRANCH_PROTECTION=2 is neither 0 nor 1", "make BRANCH_PROTECTION=2 BUILD=$TMPDIR/out"),
        ("cannot make the directory", ">$TMPDIR/file; tools/build $TMPDIR/file"),
        // Root without this right heeds permissions, too.
        (
            "is not writable by root",
            "mkdir $TMPDIR/theirs; chown daemon $TMPDIR/theirs
             setpriv --bounding-set=-dac_override --inh-caps=-dac_override tools/build $TMPDIR/theirs",
        ),
        ("Install librust-libc-dev", "tools/system-libc /nowhere"),
    ])
}

#[test]
fn machine_that_lacks_something_is_refused() -> Result {
    refused(&[
        ("there is no apt-get here. Install", "PATH=$TMPDIR/tools tools/deps check"),
        ("unknown word 'tea'", "tools/deps tea"),
        ("has no debian/control", "tools/deps debian $TMPDIR"),
        // As where the kernel is told to give none to ordinary users.
        (
            "daemon can have no user namespace here",
            "mkdir $TMPDIR/none; ln -s /bin/false $TMPDIR/none/unshare
             PATH=$TMPDIR/none:$PATH setpriv --reuid=1 --clear-groups tools/deps demo",
        ),
        (
            "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 daemon",
            "mkdir $TMPDIR/all; ln -s /bin/true $TMPDIR/all/unshare
             ln -s /bin/true $TMPDIR/all/newuidmap
             PATH=$TMPDIR/all:$PATH setpriv --reuid=1 --clear-groups tools/deps demo",
        ),
        (
            "As root: apt-get update && apt-get satisfy",
            "ln -s $(command -v apt-get) $TMPDIR/all
             PATH=$TMPDIR/tools:$TMPDIR/all setpriv --reuid=1 --clear-groups tools/deps check",
        ),
        (
            "docker run --cap-add=SETUID",
            "setpriv --bounding-set=-setuid --inh-caps=-setuid tools/deps demo",
        ),
    ])
}

#[test]
fn name_of_no_test_suite_or_package_is_refused() -> Result {
    refused(&[
        ("no test has a name that contains 'tea'", "tests/run.sh tea Cargo.toml"),
        ("no mutant's name contains 'coffee'", "tests/mutants.sh coffee"),
        ("SUITE=Trixie is no name of a Debian suite", "tests/chroot.sh Trixie title name"),
        ("VERSION=1.0 is no version such as 1.0.0", "tests/release-check.sh 1.0"),
        ("'tea' is nothing to fetch", "tests/fetch.sh tea"),
        ("'tea' is no tree", "tests/tree.sh tea"),
    ])
}

#[test]
fn what_is_no_postfix_source_is_refused() -> Result {
    refused(&[
        ("/missing is neither a directory nor a file", "tests/take.sh $TMPDIR/missing build/taken"),
        (
            "/other is not a Postfix source",
            "mkdir $TMPDIR/other; tests/take.sh $TMPDIR/other build/taken",
        ),
        (
            "/text.tar.gz is not a tar archive",
            "echo text >$TMPDIR/text.tar.gz; tests/take.sh $TMPDIR/text.tar.gz build/taken",
        ),
        (
            "/old is older than Postfix 2.2",
            "mkdir -p $TMPDIR/old/src/master
             touch $TMPDIR/old/makedefs
             echo 'extern int master_notify(int, int);' >$TMPDIR/old/src/master/master_proto.h
             tests/take.sh $TMPDIR/old build/taken",
        ),
        (
            "is Postfix 3.3.1. The demo and the tests need Postfix 3.4 or later",
            "mkdir -p $TMPDIR/3.3/src/master $TMPDIR/3.3/src/global
             touch $TMPDIR/3.3/makedefs $TMPDIR/3.3/src/master/master_proto.h
             echo '#define MAIL_VERSION_NUMBER \"3.3.1\"' >$TMPDIR/3.3/src/global/mail_version.h
             tests/take.sh $TMPDIR/3.3 build/taken",
        ),
    ])
}

#[test]
fn directory_and_tarball_of_a_user_give_the_same_source() -> Result {
    sandbox(|| {
        script(
            "cp -a build/postfix/source $TMPDIR/own
            tar -C $TMPDIR -cf $TMPDIR/own.tar own
            for given in own own.tar; do
                tests/take.sh $TMPDIR/$given $TMPDIR/taken
                diff -r --exclude=.taken build/postfix/source $TMPDIR/taken
            done",
        )?;
        Ok(())
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
            printf '\n#ifdef BROKEN\n#error "on purpose"\n#endif\n' >>$TMPDIR/own/src/util/msg.c
            cp -a $TMPDIR/own $TMPDIR/before"##,
        )?;
        refuses(
            "The full log: build/log/postfix.log",
            "cd \"$TMPDIR/a b\"
            tests/take.sh $TMPDIR/own build/postfix/yours-source
            tests/step.sh 'build Postfix' build/log/postfix.log tests/tree.sh yours-static -DBROKEN",
        )?;
        script(
            "grep '#error \"on purpose\"' \"$TMPDIR/a b/build/log/postfix.log\"
            diff -r $TMPDIR/before $TMPDIR/own",
        )?;
        Ok(())
    })
}

#[test]
fn fetching_without_a_network_says_so() -> Result {
    refused(&[(
        "Is there a network, and does the mirror answer?",
        "export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9
         tests/fetch.sh source",
    )])
}

/// An apt-get that downloads a part, and is killed together with the script; and one
/// that downloads all.
#[test]
fn interrupted_fetch_leaves_nothing_that_looks_whole() -> Result {
    sandbox(|| {
        clone_checkout(&scratch().join("copy"))?;
        script(
            r#"cd $TMPDIR/copy
            mkdir $TMPDIR/bin $TMPDIR/postfix-1
            echo all >$TMPDIR/postfix-1/makedefs
            real=$(command -v apt-get)
            cat >$TMPDIR/bin/apt-get <<END
            #!/bin/sh
            case "\$*" in
            *indextargets*) exec $real "\$@" ;;
            *download-only*)
                echo part >postfix_1.orig.tar.xz
                ! [ -e $TMPDIR/pid ] || kill -KILL \$(cat $TMPDIR/pid)
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
            tests/fetch.sh source
            test "$(ls build/postfix)" = source
            test "$(cat build/postfix/source/makedefs)" = all"#,
        )?;
        Ok(())
    })
}

/// A limit on the size of files stands for a full disk, at which cargo or the linker fails.
#[test]
fn full_disk_leaves_what_was_built_before() -> Result {
    sandbox(|| {
        clone_checkout(&scratch().join("copy"))?;
        script(
            "cd $TMPDIR/copy
            tools/build build
            rm -r build/cargo
            cp -a build $TMPDIR/before",
        )?;
        for blocks in [0, 6] {
            let said = refuses(
                "cannot build the library; cargo's messages are above",
                &format!("cd $TMPDIR/copy; trap '' XFSZ; ulimit -f {blocks}; tools/build build"),
            )?;
            ensure!(said.contains("File too large"), "{said}");
            script("diff -r --exclude=cargo $TMPDIR/before $TMPDIR/copy/build")?;
        }
        let said = refuses(
            "failed: fetch. The full log: build/log/full.log",
            "mkdir $TMPDIR/bin
            printf '#!/bin/sh\necho Available; echo a b c 0\n' >$TMPDIR/bin/df
            chmod +x $TMPDIR/bin/df
            cd $TMPDIR/copy
            PATH=$TMPDIR/bin:$PATH tests/step.sh fetch build/log/full.log sh -c 'echo >/dev/full'",
        )?;
        ensure!(
            said.contains("the disk is full: build/ has 0 kB left. Make room there."),
            "{said}"
        );
        Ok(())
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
