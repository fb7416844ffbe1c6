//! The object, the archive and the shared library are what README and tools/abi.txt
//! promise.

use tests::prelude::*;

/// Compares what tools/inspect sees in a file with the lines of abi.txt for these
/// artefacts, if the pattern matches (or, with -v, does not match).
fn is_as_promised(file: &str, artefacts: &str, pattern: &str) -> Result {
    sh!("export LC_ALL=C
        grep -E '^({artefacts}) ' tools/abi.txt | sed 's/^[a-z]* *//; s/  */ /' | sort |
            grep -E {pattern} >$TMPDIR/promised
        tools/inspect --facts {file} | grep -vE '^(machine|property) ' |
            grep -E {pattern} >$TMPDIR/found
        diff -u $TMPDIR/promised $TMPDIR/found >&2")
    .context("tools/abi.txt (-) promises something else than was built (+)")?;
    Ok(())
}

#[test]
fn object_has_exactly_the_promised_symbols() -> Result {
    sandbox(|| is_as_promised("build/master_proto.o", "object", "-v '^section'"))
}

#[test]
fn object_has_exactly_the_promised_sections() -> Result {
    sandbox(|| is_as_promised("build/master_proto.o", "object", "'^section'"))
}

#[test]
fn archive_is_the_object_and_nothing_else() -> Result {
    sandbox(|| {
        sh!("test \"$(ar t build/libmaster_proto.a)\" = master_proto.o
            ar p build/libmaster_proto.a | cmp - build/master_proto.o")
    })
}

#[test]
fn shared_library_is_as_promised() -> Result {
    sandbox(|| is_as_promised("build/libmaster_proto.so", "shared", "-v '^section'"))
}

#[test]
fn shared_library_is_small_and_has_its_versioned_names() -> Result {
    sandbox(|| {
        let version = manifest("version")?;
        sh!("cd build
            test \"$(readlink libmaster_proto.so)\" = libmaster_proto.so.1
            test \"$(readlink libmaster_proto.so.1)\" = libmaster_proto.so.{version}
            strip -o $TMPDIR/stripped.so libmaster_proto.so.{version}
            test $(wc -c <$TMPDIR/stripped.so) -lt 16384")
    })
}

/// Also with descriptor 5 closed, where the call returns -1.
fn archive_links(directory: &str) -> Result {
    compile_caller(&format!(
        "cc -I include $TMPDIR/caller.c {directory}/libmaster_proto.a -o $TMPDIR/caller
        status=0
        $TMPDIR/caller 5>&- || status=$?
        test $status = 255"
    ))?;
    calls_by("$TMPDIR/caller")
}

/// Without tools/build. The archive holds the Rust runtime, too, but a C program
/// links. No landing pads were asked for.
#[test]
fn cargo_alone_builds_the_same_interface() -> Result {
    sandbox(|| {
        for (profile, directory) in
            [("dev", "$TMPDIR/target/debug"), ("release", "$TMPDIR/target/release")]
        {
            sh!("cargo build --quiet --locked --features capi --profile {profile}
                readelf -SW {directory}/libmaster_proto.so >$TMPDIR/sections
                if grep -F .note.gnu.property $TMPDIR/sections; then exit 1; fi")?;
            let library = format!("{directory}/libmaster_proto.so");
            is_as_promised(&library, "shared|cargo", "-v '^section'")?;
            archive_links(directory)?;
        }
        Ok(())
    })
}

/// With Rust's standard library inside, of which nothing is exported.
#[test]
fn plain_cargo_builds_a_library_that_exports_the_same() -> Result {
    sandbox(|| {
        let exported = sh!("cargo build --quiet --locked --release
            nm -D --defined-only $TMPDIR/target/release/libmaster_proto.so | cut -d ' ' -f 3")?;
        ensure!(exported == "master_notify", "{exported}");
        archive_links("$TMPDIR/target/release")
    })
}

#[test]
fn ldflags_reach_the_shared_library_alone() -> Result {
    sandbox(|| {
        sh!("LDFLAGS='-Wl,-z,nodelete -Wl,-rpath,/nowhere' tools/build $TMPDIR/flags
            readelf -dW $TMPDIR/flags/libmaster_proto.so >$TMPDIR/dynamic
            grep -F NODELETE $TMPDIR/dynamic
            grep -F '[/nowhere]' $TMPDIR/dynamic
            cmp $TMPDIR/flags/master_proto.o build/master_proto.o")
    })
}
