//! What is made from the source and committed, and what others' source is used.

use std::fs;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        header_is_what_cbindgen_makes_of_the_source,
        licenses_of_all_crates_are_known,
        manifest_names_libc_and_optionally_cbindgen,
    ]
}

fn header_is_what_cbindgen_makes_of_the_source() -> Result<()> {
    sh!("diff -u include/master_proto.h build/header/master_proto.h >&2")
        .context("include/master_proto.h is not what src/lib.rs says. Run `make header`")?;
    Ok(())
}

/// Of those that a user, a maintainer or a test compiles.
fn licenses_of_all_crates_are_known() -> Result<()> {
    let licenses = sh!("for manifest in Cargo.toml tests/Cargo.toml; do
            cargo tree --locked --all-features --target all --prefix none --format '{{l}}' \
                --manifest-path $manifest >>/tmp/licenses
        done
        sed 's/ (\\*)$//' /tmp/licenses | sort -u")?;
    ensure!(!licenses.is_empty());
    for license in licenses.lines() {
        match license {
            "IPL-1.0 OR EPL-2.0" => {} // ours
            // Of cbindgen, and what it depends on; not in the artefacts.
            "MPL-2.0" | "(MIT OR Apache-2.0) AND Unicode-3.0" => {}
            other if other.replace("/", " OR ").split(" OR ").any(|one| one == "MIT") => {}
            other => bail!("nobody has looked at the license '{other}'"),
        }
    }
    Ok(())
}

fn manifest_names_libc_and_optionally_cbindgen() -> Result<()> {
    let text = fs::read_to_string(checkout().join("Cargo.toml"))?;
    let (mut named, mut section) = (Vec::new(), "");
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
        } else if section.contains("dependencies") {
            let (name, rest) = line.split_once(" = ").context("a dependency")?;
            named.push((section, name, rest.contains("optional = true")));
        }
    }
    let expected = [("[dependencies]", "libc", false), ("[build-dependencies]", "cbindgen", true)];
    assert_eq!(named, expected);
    Ok(())
}
