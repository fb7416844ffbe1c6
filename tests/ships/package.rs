//! What leaves the repository other than by `make install`: the crate, a build
//! with vendored crates, the Rust documentation; and the licenses.

use super::{manifest, messages_of};
use std::collections::BTreeSet;
use std::fs;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![
        crate_holds_the_sources_the_header_the_pages_and_the_license,
        documentation_has_no_warning,
        documentation_builds_as_on_docs_rs,
        nothing_but_libc_is_compiled_in,
        license_is_in_the_license_file,
    ];
    let slow = testenv::cases![
        vendored_build_without_a_network_gives_the_same_bytes,
        build_with_the_crate_libc_alone_gives_the_same_bytes,
        crate_builds_by_itself_and_a_c_program_links_it,
    ];
    cases.extend(slow.into_iter().map(|case| case.limit(300)));
    cases
}

fn vendored_build_without_a_network_gives_the_same_bytes() -> Result<()> {
    clone_checkout(Path::new("/tmp/copy"))?;
    let sh = Shell::new()?;
    sh.change_dir("/tmp/copy");
    let settings = cmd!(sh, "cargo vendor --locked --offline vendor").read()?;
    sh.write_file(".cargo/config.toml", settings)?;
    sh.set_var("CARGO_HOME", "/tmp/cargo-home"); // no crate that cargo has kept
    sh.set_var("CARGO_FLAGS", "--offline");
    cmd!(sh, "make").run()?;
    for name in ["master_proto.o", "libmaster_proto.a", "libmaster_proto.so"] {
        let built = fs::read(Path::new("/tmp/copy/build").join(name))?;
        ensure!(built == fs::read(artefact(name))?, "{name} differs");
    }
    Ok(())
}

/// As a distribution has it, which packages no other crate of ours.
fn build_with_the_crate_libc_alone_gives_the_same_bytes() -> Result<()> {
    clone_checkout(Path::new("/tmp/copy"))?;
    let sh = Shell::new()?;
    sh.change_dir("/tmp/copy");
    let before = sh.read_file("Cargo.toml")?;
    refuses("Install librust-libc-dev", cmd!(sh, "tools/system-libc /nowhere"))?;
    ensure!(sh.read_file("Cargo.toml")? == before, "it refused, and changed Cargo.toml");
    cmd!(sh, "cargo vendor --locked --offline --versioned-dirs all").run()?;
    cmd!(sh, "sh -euc 'mkdir crates; mv all/libc-* crates'").run()?;
    sh.set_var("CARGO_HOME", "/tmp/cargo-home"); // no crate that cargo has kept
    cmd!(sh, "tools/system-libc crates").run()?;
    cmd!(sh, "make").env("CARGO_FLAGS", "--offline").run()?;
    for name in ["master_proto.o", "libmaster_proto.a", "libmaster_proto.so"] {
        let built = fs::read(Path::new("/tmp/copy/build").join(name))?;
        ensure!(built == fs::read(artefact(name))?, "{name} differs");
    }
    Ok(())
}

/// What cargo adds itself is in it, too.
fn crate_holds_the_sources_the_header_the_pages_and_the_license() -> Result<()> {
    let sh = Shell::new()?;
    let found = cmd!(sh, "cargo package --locked --allow-dirty --list").read()?;
    let found: BTreeSet<_> = found.lines().collect();
    let script = "ls *.md Cargo.toml Cargo.lock build.rs cbindgen.toml LICENSE
        echo Cargo.toml.orig
        find include man src docs examples -type f";
    let expected = cmd!(sh, "sh -euc {script}").read()?;
    let mut expected: BTreeSet<_> = expected.lines().collect();
    expected.extend(found.get(".cargo_vcs_info.json")); // of a clean checkout
    ensure!(
        found == expected,
        "what should not be there, or is missing: {:?}",
        found.symmetric_difference(&expected)
    );
    Ok(())
}

fn crate_builds_by_itself_and_a_c_program_links_it() -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "cargo package --locked --allow-dirty").run()?;
    let file = format!("/tmp/target/package/master_proto-{}.crate", manifest("version")?);
    sh.change_dir(sh.create_dir("/tmp/unpacked")?);
    cmd!(sh, "tar -xf {file} --strip-components=1").run()?;
    cmd!(sh, "cargo build --release --locked --features capi").run()?;
    sh.write_file("caller.c", super::CALLER)?;
    let archive = "/tmp/target/release/libmaster_proto.a";
    cmd!(sh, "cc -I include -o /tmp/caller caller.c {archive}").run()?;
    ensure!(messages_of("/tmp/caller")? == super::CALLED);
    Ok(())
}

fn documentation_has_no_warning() -> Result<()> {
    let sh = Shell::new()?;
    sh.set_var("RUSTDOCFLAGS", "-Dwarnings");
    cmd!(sh, "cargo doc --locked --no-deps --document-private-items").run()?;
    ensure!(Path::new("/tmp/target/doc/master_proto/index.html").exists());
    Ok(())
}

/// As docs.rs makes it: of the crate, without a network, by its flags, for the
/// targets that the manifest names.
fn documentation_builds_as_on_docs_rs() -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "cargo package --locked --allow-dirty --no-verify").run()?;
    let file = format!("/tmp/target/package/master_proto-{}.crate", manifest("version")?);
    sh.change_dir(sh.create_dir("/tmp/docs-rs")?);
    cmd!(sh, "tar -xf {file} --strip-components=1").run()?;
    let text = sh.read_file("Cargo.toml")?;
    let (_, section) = text.split_once("[package.metadata.docs.rs]").context("no targets")?;
    let target = section.split('"').nth(1).context("no target")?;
    sh.set_var("DOCS_RS", "1");
    sh.set_var("RUSTDOCFLAGS", "--cfg docsrs");
    cmd!(sh, "cargo doc --lib --no-deps --locked --offline --target {target}").run()?;
    let page = format!("/tmp/target/{target}/doc/master_proto/fn.master_notify.html");
    ensure!(Path::new(&page).exists(), "there is no {page}");
    Ok(())
}

/// Whoever links the library need accept no more than these two licenses.
fn nothing_but_libc_is_compiled_in() -> Result<()> {
    let sh = Shell::new()?;
    let words = "--locked --target all --all-features --edges normal --prefix none".split(' ');
    let format = "{p}|{l}";
    let found = cmd!(sh, "cargo tree {words...} --format {format}").read()?;
    let crates: BTreeSet<_> = found
        .lines()
        .filter_map(|line| Some((line.split(' ').next()?, line.split('|').nth(1)?)))
        .collect();
    let expected = [("libc", "MIT OR Apache-2.0"), ("master_proto", "IPL-1.0 OR EPL-2.0")];
    ensure!(crates == BTreeSet::from(expected), "{crates:?}");
    Ok(())
}

fn license_is_in_the_license_file() -> Result<()> {
    ensure!(manifest("license")? == "IPL-1.0 OR EPL-2.0");
    let text = fs::read_to_string(checkout().join("LICENSE"))?.to_lowercase();
    ensure!(text.contains("ibm public license") && text.contains("eclipse public license"));
    Ok(())
}
