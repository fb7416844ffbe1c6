//! What leaves the repository other than by `make install`: the crate, a build
//! with vendored crates, the Rust documentation; and the licenses.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    slow(testenv::cases![
        vendored_build_without_a_network_gives_the_same_bytes,
        build_with_the_crate_libc_alone_gives_the_same_bytes,
        crate_builds_by_itself_and_a_c_program_links_it,
        crate_holds_the_sources_the_header_the_pages_and_the_license,
        documentation_has_no_warning,
        documentation_builds_as_on_docs_rs,
        nothing_but_libc_is_compiled_in,
        licenses_of_all_crates_are_known,
        license_is_in_the_license_file,
    ])
}

/// Builds in a copy of the checkout after a script, without a network and without
/// a crate that cargo has kept.
fn gives_the_same_bytes(script: &str) -> Result<()> {
    sh!("artefacts=$PWD/build
        cd /tmp/copy
        {script}
        CARGO_HOME=/tmp/cargo-home CARGO_FLAGS=--offline make
        for name in master_proto.o libmaster_proto.a libmaster_proto.so; do
            cmp build/$name $artefacts/$name
        done")?;
    Ok(())
}

fn vendored_build_without_a_network_gives_the_same_bytes() -> Result<()> {
    clone_checkout(Path::new("/tmp/copy"))?;
    gives_the_same_bytes(
        "mkdir .cargo
        cargo vendor --locked --offline vendor >.cargo/config.toml",
    )
}

/// As a distribution has it, which packages no other crate of ours.
fn build_with_the_crate_libc_alone_gives_the_same_bytes() -> Result<()> {
    clone_checkout(Path::new("/tmp/copy"))?;
    let sh = Shell::new()?;
    sh.change_dir("/tmp/copy");
    refuses("Install librust-libc-dev", cmd!(sh, "tools/system-libc /nowhere"))?;
    gives_the_same_bytes(
        "cmp Cargo.toml $artefacts/../Cargo.toml # which the refusal has not changed
        cargo vendor --locked --offline --versioned-dirs all
        mkdir crates
        mv all/libc-* crates
        CARGO_HOME=/tmp/cargo-home tools/system-libc crates",
    )
}

/// What cargo adds itself is in it, too.
fn crate_holds_the_sources_the_header_the_pages_and_the_license() -> Result<()> {
    // .cargo_vcs_info.json is there if the checkout is clean.
    sh!("cargo package --locked --allow-dirty --list | grep -vxF .cargo_vcs_info.json |
            LC_ALL=C sort >/tmp/found
        {{
            ls *.md Cargo.toml Cargo.lock build.rs cbindgen.toml LICENSE
            echo Cargo.toml.orig
            find include man src docs examples -type f
        }} | LC_ALL=C sort >/tmp/expected
        diff -u /tmp/expected /tmp/found >&2")?;
    Ok(())
}

fn unpack_crate(options: &str) -> Result<()> {
    let version = manifest("version")?;
    sh!("cargo package --locked --allow-dirty {options}
        mkdir /tmp/crate
        tar -C /tmp/crate -xf /tmp/target/package/master_proto-{version}.crate \
            --strip-components=1")?;
    Ok(())
}

fn crate_builds_by_itself_and_a_c_program_links_it() -> Result<()> {
    unpack_crate("")?;
    compile_caller(
        "cd /tmp/crate
        cargo build --release --locked --features capi
        cc -I include -o /tmp/caller /tmp/caller.c /tmp/target/release/libmaster_proto.a",
    )?;
    calls_by("/tmp/caller")
}

fn documentation_has_no_warning() -> Result<()> {
    sh!("RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps --document-private-items
        test -e /tmp/target/doc/master_proto/index.html")?;
    Ok(())
}

/// As docs.rs makes it: of the crate, without a network, by its flags, for the
/// target that the manifest names.
fn documentation_builds_as_on_docs_rs() -> Result<()> {
    unpack_crate("--no-verify")?;
    sh!("cd /tmp/crate
        target=$(sed -n '/^\\[package.metadata.docs.rs\\]/,/^$/s/^targets = \\[\"\\(.*\\)\"\\]/\\1/p' Cargo.toml)
        export DOCS_RS=1 RUSTDOCFLAGS='--cfg docsrs'
        cargo doc --lib --no-deps --locked --offline --target $target
        test -e /tmp/target/$target/doc/master_proto/fn.master_notify.html")?;
    Ok(())
}

/// Whoever links the library need accept no more than these two licenses. Only a
/// feature compiles more, to build.
fn nothing_but_libc_is_compiled_in() -> Result<()> {
    for edges in ["--edges normal,build,dev", "--all-features --edges normal"] {
        let found = sh!("cargo tree --locked --target all {edges} --prefix none \
                --format '{{p}}|{{l}}' | sed 's/ .*|/: /' | sort -u")?;
        let expected = "libc: MIT OR Apache-2.0\nmaster_proto: IPL-1.0 OR EPL-2.0";
        ensure!(found == expected, "{edges}: {found}");
    }
    Ok(())
}

/// Of those that a user, a maintainer or a test compiles: ours, any that can be MIT,
/// and two of cbindgen and what it depends on, which are not in the artefacts.
fn licenses_of_all_crates_are_known() -> Result<()> {
    let unknown = sh!("for manifest in Cargo.toml tests/Cargo.toml; do
            cargo tree --locked --all-features --target all --prefix none --format '{{l}}' \
                --manifest-path $manifest >>/tmp/licenses
        done
        sed 's/ (\\*)$//; s|/| OR |g' /tmp/licenses | sort -u >/tmp/different
        test $(wc -l </tmp/different) -gt 3
        grep -vx -e 'IPL-1.0 OR EPL-2.0' -e MPL-2.0 -e '(MIT OR Apache-2.0) AND Unicode-3.0' \
            -e '\\(.* OR \\)*MIT\\( OR .*\\)*' /tmp/different || :")?;
    ensure!(unknown.is_empty(), "nobody has looked at these licenses:\n{unknown}");
    Ok(())
}

fn license_is_in_the_license_file() -> Result<()> {
    ensure!(manifest("license")? == "IPL-1.0 OR EPL-2.0");
    sh!("grep -i 'ibm public license' LICENSE; grep -i 'eclipse public license' LICENSE")?;
    Ok(())
}
