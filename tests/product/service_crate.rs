//! The crate `postfix-service` in `rust/`.

use tests::prelude::*;

/// The names, the numbers and the message are those of `include/master_proto.h`.
#[test]
fn reports_as_the_header_says() -> Result {
    sandbox(|| {
        sh!("cargo build --locked --manifest-path rust/Cargo.toml --example probe --target-dir build/target
            cc -Wall -Wextra -Werror -I include -o $TMPDIR/start tests/product/service_crate.c
            $TMPDIR/start build/target/debug/examples/probe")?;
        Ok(())
    })
}

#[test]
fn packs_and_builds_by_itself_and_carries_the_license() -> Result {
    sandbox(|| {
        sh!("cargo package --locked --allow-dirty --manifest-path rust/Cargo.toml
            tar -C $TMPDIR -xf $CARGO_TARGET_DIR/package/postfix-service-*.crate
            test ! -h $TMPDIR/postfix-service-*/LICENSE
            cmp LICENSE $TMPDIR/postfix-service-*/LICENSE
            cmp rust/README.md $TMPDIR/postfix-service-*/README.md")?;
        Ok(())
    })
}

#[test]
fn needs_no_other_crate_and_no_other_rust_than_the_library() -> Result {
    sandbox(|| {
        sh!("for field in edition rust-version license; do
                grep \"^$field = \" Cargo.toml | grep -Fx -f - rust/Cargo.toml
            done")?;
        let tree = "cargo tree --locked --manifest-path rust/Cargo.toml --target all";
        let needed = sh!("{tree} --edges normal,build --prefix none | wc -l")?;
        ensure!(needed == "1", "{needed} crates");
        Ok(())
    })
}

#[test]
fn documentation_has_no_warning() -> Result {
    sandbox(|| {
        sh!("RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps --manifest-path rust/Cargo.toml
            test -e $CARGO_TARGET_DIR/doc/postfix_service/struct.Child.html")?;
        Ok(())
    })
}
