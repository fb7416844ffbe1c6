//! Whose code is inside: `readelf -n` tells it, whatever was linked and stripped.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        artefacts_have_the_note,
        note_is_not_loaded,
        survives_linking_and_stripping for super::LINKERS,
    ]
}

/// The note as readelf shows it: owner, size of the description, type.
pub fn has_note(file: &str) -> Result<()> {
    let notes = sh!("readelf -nW {file}")?;
    let owner = format!("master_proto {}", manifest("version")?);
    let found = notes.lines().any(|line| {
        line.trim().starts_with(&owner)
            && line.contains("0x00000000")
            && line.contains("0x00006d70")
    });
    ensure!(found, "{file} has no note of '{owner}':\n{notes}");
    Ok(())
}

fn artefacts_have_the_note() -> Result<()> {
    has_note("build/master_proto.o")?;
    has_note("build/libmaster_proto.a")?;
    has_note("build/libmaster_proto.so")?;
    has_note("build/strong/master_proto.o")
}

fn note_is_not_loaded() -> Result<()> {
    for name in ["master_proto.o", "libmaster_proto.so"] {
        let line = sh!("readelf -SW build/{name} | grep -F ' .note.master_proto '")?;
        // Address, offset, size, size of an entry, no flags, and three numbers.
        let (_, words) = line.split_once(" NOTE ").context("NOTE")?;
        assert_eq!(words.split_whitespace().count(), 7, "{line}");
    }
    Ok(())
}

fn survives_linking_and_stripping(linker: &str) -> Result<()> {
    // lld knows nothing of gcc's kind of LTO.
    let cc = if linker == "lld" { "clang" } else { "gcc" };
    for link in [
        "-O2",
        "-O2 -s",
        "-O2 -Wl,--gc-sections",
        "-O2 -flto -Wl,--gc-sections",
        "-O2 -static -Wl,--gc-sections",
        "-shared -fPIC -nostartfiles -Wl,--gc-sections -Wl,-z,defs",
    ] {
        compile_caller(&format!(
            "{cc} -fuse-ld={linker} {link} -I include \
                /tmp/caller.c build/master_proto.o -o /tmp/linked"
        ))?;
        has_note("/tmp/linked")?;
        for strip in [
            "strip -s",
            "strip --strip-unneeded --remove-section=.comment --remove-section=.note",
            "eu-strip",
        ] {
            sh!("cp /tmp/linked /tmp/stripped; {strip} /tmp/stripped")?;
            has_note("/tmp/stripped")?;
        }
    }
    Ok(())
}
