//! What is read and not run: layout and lints of the Rust code, shellcheck.

use std::fs;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![shell_pleases_shellcheck];
    for workspace in [".", "tests", "benches"] {
        cases.push(Case::new(
            format!("ships::lint::rustfmt_has_nothing_to_change_in_{workspace}"),
            move || rustfmt_has_nothing_to_change(workspace),
        ));
    }
    // What the benchmarks depend on is not compiled for the tests.
    for (workspace, features) in [(".", ""), (".", "capi"), (".", "capi,strong-msg"), ("tests", "")]
    {
        let name = format!("ships::lint::clippy_is_silent_in_{workspace}_with_features_{features}");
        let clippy = move || clippy_is_silent(workspace, features);
        cases.push(Case::new(name, clippy).limit(300));
    }
    cases
}

fn rustfmt_has_nothing_to_change(workspace: &str) -> Result<()> {
    let sh = Shell::new()?;
    let manifest = checkout().join(workspace).join("Cargo.toml");
    cmd!(sh, "cargo fmt --all --check --manifest-path {manifest}").run()?;
    Ok(())
}

fn clippy_is_silent(workspace: &str, features: &str) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(checkout().join(workspace));
    let words = ["--locked", "--workspace", "--all-targets", "--features", features];
    cmd!(sh, "cargo clippy {words...} -- -D warnings").run()?;
    Ok(())
}

/// Each file that begins as a script does, and the script in install.mk.
fn shell_pleases_shellcheck() -> Result<()> {
    let copy = Path::new("/tmp/copy");
    clone_checkout(copy)?;
    let sh = Shell::new()?;
    sh.change_dir(copy);
    let found = cmd!(sh, "find . -type f").read()?;
    let is_script = |name: &&str| {
        let text = fs::read(copy.join(name)).unwrap_or_default();
        text.starts_with(b"#!/bin/sh")
    };
    let scripts: Vec<_> = found.lines().filter(is_script).collect();
    ensure!(scripts.len() > 3, "{scripts:?}");
    cmd!(sh, "shellcheck {scripts...}").run()?;

    let rules = "include install.mk\nprint: export text = $(value installer)\nprint:\n\t@printf '%s\\n' \"$$text\"";
    let installer = cmd!(sh, "make -f - print").stdin(rules).read()?;
    // ${prefix} is for pkg-config; the Makefile sets what is not set here.
    cmd!(sh, "shellcheck --shell=sh --exclude=SC2016,SC2154,SC2015 -").stdin(&installer).run()?;
    Ok(())
}
