//! What is read and not run: layout and lints of the Rust code, the header that
//! cbindgen makes of it, shellcheck; and that cargo sees each test.

use tests::prelude::*;

#[test]
fn rustfmt_has_nothing_to_change() -> Result {
    sandbox(|| {
        // rustfmt does not find a file that include!() names.
        sh!("for workspace in . tests rust; do
                cargo fmt --all --check --manifest-path $workspace/Cargo.toml
            done
            rustfmt --check --edition 2024 --config-path . src/elf_notes.rs")
    })
}

/// Where other crates are compiled already.
const CLIPPY: &str =
    "cargo clippy --quiet --locked --workspace --all-targets --target-dir build/target";

#[test]
fn clippy_is_silent_about_the_product() -> Result {
    sandbox(|| {
        sh!("for features in '' capi capi,strong-msg; do
                {CLIPPY} --features \"$features\" -- -D warnings
            done")
    })
}

#[test]
fn clippy_is_silent_about_the_tests() -> Result {
    sandbox(|| sh!("{CLIPPY} --manifest-path tests/Cargo.toml -- -D warnings"))
}

#[test]
fn clippy_is_silent_about_postfix_service() -> Result {
    sandbox(|| sh!("{CLIPPY} --manifest-path rust/Cargo.toml -- -D warnings"))
}

#[test]
fn header_is_what_cbindgen_makes_of_the_source() -> Result {
    sandbox(|| {
        script("diff -u include/master_proto.h build/header/master_proto.h >&2")
            .context("include/master_proto.h is not what src/lib.rs says. Run `make header`")
    })
}

/// Each file that begins as a script does, or is called so.
#[test]
fn shell_pleases_shellcheck() -> Result {
    sandbox(|| {
        clone_checkout(&scratch().join("copy"))?;
        script(
            "cd $TMPDIR/copy
            first='/^#!.bin.sh/ || FILENAME ~ /[.]sh$/ { print FILENAME } { nextfile }'
            find . -type f -exec awk \"$first\" {} + >$TMPDIR/scripts
            test $(wc -l <$TMPDIR/scripts) -gt 3
            xargs -d '\\n' shellcheck --shell=sh <$TMPDIR/scripts",
        )
    })
}

/// A test that nobody calls looks like one that passes.
#[test]
fn each_function_of_the_scripts_of_tests_is_called() -> Result {
    sandbox(|| {
        let unused = script(
            r"for script in tests/*.sh tests/*/*.sh; do
                for name in $(sed -n 's/^\([a-z_0-9]*\)() *{.*/\1/p' $script); do
                    test $(cat $script ${script%.sh}.rs 2>/dev/null | grep -cw $name) -gt 1 || echo $name of $script
                done
            done",
        )?;
        ensure!(unused.is_empty(), "nobody calls these functions:\n{unused}");
        Ok(())
    })
}

/// cargo and rustc say nothing of a file that nobody names.
#[test]
fn each_file_of_tests_is_compiled() -> Result {
    sandbox(|| {
        let unknown = sh!(r#"cd tests
            for file in *.rs */*.rs; do
                name=$(basename $file .rs) directory=$(dirname $file)
                case $file in
                */mod.rs | lib/lib.rs) ;;
                */*) cat $directory.rs $directory/mod.rs $directory/lib.rs 2>/dev/null |
                    grep -qE "^(pub )?mod $name;" || echo "tests/$file is no module" ;;
                *) cat Cargo.toml ../Cargo.toml system.rs |
                    grep -qE "^path = \"(tests/)?$file\"|^mod $name;" || echo "nothing names tests/$file" ;;
                esac
            done"#)?;
        ensure!(unknown.is_empty(), "{unknown}");
        Ok(())
    })
}
