//! What is read and not run: layout and lints of the Rust code, shellcheck.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![
        shell_pleases_shellcheck,
        rustfmt_has_nothing_to_change for [".", "tests", "benches"],
    ];
    // What the benchmarks depend on is not compiled for the tests.
    let features = ["", "--features capi", "--features capi,strong-msg"];
    cases.extend(slow(testenv::cases![
        clippy_is_silent for features,
        clippy_is_silent for ["--manifest-path tests/Cargo.toml"],
    ]));
    cases
}

fn rustfmt_has_nothing_to_change(workspace: &str) -> Result<()> {
    sh!("cargo fmt --all --check --manifest-path {workspace}/Cargo.toml")?;
    Ok(())
}

fn clippy_is_silent(words: &str) -> Result<()> {
    sh!("cargo clippy --locked --workspace --all-targets {words} -- -D warnings")?;
    Ok(())
}

/// Each file that begins as a script does, and the script in install.mk.
fn shell_pleases_shellcheck() -> Result<()> {
    clone_checkout(Path::new("/tmp/copy"))?;
    sh!("cd /tmp/copy
        first='/^#!.bin.sh/ {{ print FILENAME }} {{ nextfile }}'
        find . -type f -exec awk \"$first\" {{}} + >/tmp/scripts
        test $(wc -l </tmp/scripts) -gt 3
        xargs -d '\n' shellcheck </tmp/scripts")?;

    let sh = Shell::new()?;
    let rules = "include install.mk\nprint: export text = $(value installer)\nprint:\n\t@printf '%s\\n' \"$$text\"";
    let installer = cmd!(sh, "make -f - print").stdin(rules).read()?;
    // ${prefix} is for pkg-config; the Makefile sets what is not set here.
    cmd!(sh, "shellcheck --shell=sh --exclude=SC2016,SC2154,SC2015 -").stdin(&installer).run()?;
    Ok(())
}
