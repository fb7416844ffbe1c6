//! What leaves the repository other than by `make install`: the crate, a build
//! with vendored crates, the Rust documentation; and the licenses.

use tests::prelude::*;

/// Builds in a copy of the checkout after a script, offline and without any crate
/// that cargo has cached.
fn gives_the_same_bytes(prepare: &str) -> Result {
    clone_checkout(&scratch().join("copy"))?;
    sh!("cd $TMPDIR/copy
        {prepare}
        CARGO_HOME=$TMPDIR/cargo-home CARGO_FLAGS=--offline make
        for name in master_proto.o libmaster_proto.a libmaster_proto.so; do
            cmp build/$name \"$CHECKOUT/build/$name\"
        done")?;
    Ok(())
}

#[test]
fn vendored_build_without_a_network_gives_the_same_bytes() -> Result {
    sandbox(|| {
        gives_the_same_bytes(
            "mkdir .cargo
            cargo vendor --locked --offline vendor >.cargo/config.toml",
        )
    })
}

/// As a distribution has it, which packages no other crate of ours.
#[test]
fn build_with_the_crate_libc_alone_gives_the_same_bytes() -> Result {
    sandbox(|| {
        gives_the_same_bytes(
            "cargo vendor --locked --offline --versioned-dirs all
            mkdir crates
            mv all/libc-* crates
            CARGO_HOME=$TMPDIR/cargo-home tools/system-libc crates",
        )
    })
}

/// What cargo adds itself is in it, too.
#[test]
fn crate_holds_the_sources_the_header_the_pages_and_the_license() -> Result {
    sandbox(|| {
        // .cargo_vcs_info.json is there if the checkout is clean.
        script(
            "export LC_ALL=C
            cargo package --locked --allow-dirty --list | grep -vxF .cargo_vcs_info.json |
                sort >$TMPDIR/found
            {
                ls *.md Cargo.toml Cargo.lock build.rs cbindgen.toml LICENSE
                echo Cargo.toml.orig
                find include man src docs examples -type f
            } | sort >$TMPDIR/expected
            diff -u $TMPDIR/expected $TMPDIR/found >&2",
        )
    })
}

fn unpack_crate() -> Result {
    let version = manifest("version")?;
    sh!("cargo package --locked --allow-dirty --no-verify
        mkdir $TMPDIR/crate
        tar -C $TMPDIR/crate -xf $TMPDIR/target/package/master_proto-{version}.crate \
            --strip-components=1")?;
    Ok(())
}

#[test]
fn crate_builds_by_itself_and_a_c_program_links_it() -> Result {
    sandbox(|| {
        unpack_crate()?;
        compile_caller(
            "cd $TMPDIR/crate
            cargo build --release --locked --features capi
            cc -I include -o $TMPDIR/caller $TMPDIR/caller.c \\
                $TMPDIR/target/release/libmaster_proto.a",
        )?;
        calls_by("$TMPDIR/caller")
    })
}

#[test]
fn documentation_has_no_warning() -> Result {
    sandbox(|| {
        sh!("RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps --document-private-items
            test -e $TMPDIR/target/doc/master_proto/index.html")
    })
}

/// Of the crate, offline, with the flags of docs.rs, for the target that the manifest
/// names.
#[test]
fn documentation_builds_as_on_docs_rs() -> Result {
    sandbox(|| {
        unpack_crate()?;
        sh!(r#"cd $TMPDIR/crate
            target=$(sed -n '/^\[package.metadata.docs.rs\]/,/^$/s/^targets = \["\(.*\)"\]/\1/p' Cargo.toml)
            export DOCS_RS=1 RUSTDOCFLAGS='--cfg docsrs'
            cargo doc --lib --no-deps --locked --offline --target $target
            test -e $TMPDIR/target/$target/doc/master_proto/fn.master_notify.html"#)
    })
}

/// Whoever links the library need accept no more than these two licenses. Only a
/// feature compiles more, to generate the header.
#[test]
fn nothing_but_libc_is_compiled_in() -> Result {
    sandbox(|| {
        for edges in ["--edges normal,build,dev", "--all-features --edges normal"] {
            let found = sh!("cargo tree --locked --target all {edges} --prefix none \
                    --format '{{p}}|{{l}}' | sed 's/ .*|/: /' | sort -u")?;
            let expected = "libc: MIT OR Apache-2.0\nmaster_proto: IPL-1.0 OR EPL-2.0";
            ensure!(found == expected, "{edges}: {found}");
        }
        Ok(())
    })
}

/// Of those that a user, a maintainer or a test compiles: ours, any that can be MIT,
/// and two of cbindgen and what it depends on, which are not in the artefacts.
#[test]
fn licenses_of_all_crates_are_known() -> Result {
    sandbox(|| {
        let unknown = script(
            r"for manifest in Cargo.toml tests/Cargo.toml rust/Cargo.toml; do
                cargo tree --locked --all-features --target all --prefix none --format '{l}' \
                    --manifest-path $manifest >>$TMPDIR/licenses
            done
            sed 's/ (\*)$//; s|/| OR |g' $TMPDIR/licenses | sort -u >$TMPDIR/different
            test $(wc -l <$TMPDIR/different) -gt 3
            grep -vx -e 'IPL-1.0 OR EPL-2.0' -e MPL-2.0 -e '(MIT OR Apache-2.0) AND Unicode-3.0' \
                -e '\(.* OR \)*MIT\( OR .*\)*' $TMPDIR/different || :",
        )?;
        ensure!(unknown.is_empty(), "nobody has looked at these licenses:\n{unknown}");
        Ok(())
    })
}

#[test]
fn license_is_in_the_license_file() -> Result {
    sandbox(|| {
        ensure!(manifest("license")? == "IPL-1.0 OR EPL-2.0");
        script("grep -i 'ibm public license' LICENSE; grep -i 'eclipse public license' LICENSE")
    })
}
