//! What is read and not run: layout and lints of the Rust code, the header that is
//! made of it, shellcheck.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![
        shell_pleases_shellcheck,
        rustfmt_has_nothing_to_change,
        header_is_what_cbindgen_makes_of_the_source,
    ];
    cases.extend(slow(testenv::cases![
        clippy_is_silent_about_the_product,
        clippy_is_silent_about_the_tests,
    ]));
    cases
}

fn rustfmt_has_nothing_to_change() -> Result<()> {
    sh!("for workspace in . tests benches; do
            cargo fmt --all --check --manifest-path $workspace/Cargo.toml
        done
        rustfmt --edition 2024 --check src/elf_notes.rs # which no module names")?;
    Ok(())
}

const CLIPPY: &str = "cargo clippy --locked --workspace --all-targets";

fn clippy_is_silent_about_the_product() -> Result<()> {
    sh!("for features in '' capi capi,strong-msg; do
            {CLIPPY} --features \"$features\" -- -D warnings
        done")?;
    Ok(())
}

/// Over what `make prepare` has compiled. What the benchmarks depend on is not
/// compiled for the tests.
fn clippy_is_silent_about_the_tests() -> Result<()> {
    sh!("cp -R -p build/checked /tmp/target
        {CLIPPY} --manifest-path tests/Cargo.toml -- -D warnings")?;
    Ok(())
}

fn header_is_what_cbindgen_makes_of_the_source() -> Result<()> {
    sh!("diff -u include/master_proto.h build/header/master_proto.h >&2")
        .context("include/master_proto.h is not what src/lib.rs says. Run `make header`")?;
    Ok(())
}

/// Each file that begins as a script does, and the script in install.mk.
fn shell_pleases_shellcheck() -> Result<()> {
    clone_checkout(Path::new("/tmp/copy"))?;
    // ${prefix} is for pkg-config; the Makefile sets what is not set here.
    sh!("cd /tmp/copy
        first='/^#!.bin.sh/ {{ print FILENAME }} {{ nextfile }}'
        find . -type f -exec awk \"$first\" {{}} + >/tmp/scripts
        test $(wc -l </tmp/scripts) -gt 3
        xargs -d '\n' shellcheck </tmp/scripts
        printf '%s\\n' 'include install.mk' 'print: export text = $(value installer)' \
            'print: ; @printf \"%s\\n\" \"$$text\"' | make -f - print >/tmp/installer
        grep 'each check' /tmp/installer
        shellcheck --shell=sh --exclude=SC2016,SC2154,SC2015 /tmp/installer")?;
    Ok(())
}
