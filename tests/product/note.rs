//! Whose code is inside: `readelf -n` tells it, whatever was linked and stripped.

use crate::ships::manifest;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![artefacts_have_the_note, note_is_not_loaded];
    cases.extend(["bfd", "gold", "lld", "mold"].map(|linker| {
        let name = format!("product::note::survives_linking_and_stripping::{linker}");
        Case::new(name, move || survives_linking_and_stripping(linker))
    }));
    cases
}

/// The note as readelf shows it: owner, size of the description, type.
pub fn has_note(file: &Path) -> Result<()> {
    let sh = Shell::new()?;
    let notes = cmd!(sh, "readelf -nW {file}").read()?;
    let owner = format!("master_proto {}", manifest("version")?);
    let found = notes.lines().any(|line| {
        line.trim().starts_with(&owner)
            && line.contains("0x00000000")
            && line.contains("0x00006d70")
    });
    ensure!(found, "{} has no note of '{owner}':\n{notes}", file.display());
    Ok(())
}

fn artefacts_have_the_note() -> Result<()> {
    for name in
        ["master_proto.o", "libmaster_proto.a", "libmaster_proto.so", "strong/master_proto.o"]
    {
        has_note(&artefact(name))?;
    }
    Ok(())
}

fn note_is_not_loaded() -> Result<()> {
    let sh = Shell::new()?;
    for name in ["master_proto.o", "libmaster_proto.so"] {
        let file = artefact(name);
        let sections = cmd!(sh, "readelf -SW {file}").read()?;
        let line = sections.lines().find(|line| line.contains(" .note.master_proto "));
        // Address, offset, size, size of an entry, no flags, and three numbers.
        let words: Vec<_> = line.context("the section")?.split_whitespace().collect();
        let from_type = words.iter().position(|word| *word == "NOTE").context("NOTE")?;
        assert_eq!(words[from_type + 1..].len(), 7, "{words:?}");
    }
    Ok(())
}

fn survives_linking_and_stripping(linker: &str) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(scratch());
    sh.write_file(
        "caller.c",
        "int master_notify(int, unsigned, int);\nint main(void) { return master_notify(1, 2, 3); }\n",
    )?;
    // lld knows nothing of gcc's kind of LTO.
    let cc = if linker == "lld" { "clang" } else { "gcc" };
    let object = artefact("master_proto.o");
    let links = [
        "-O2",
        "-O2 -s",
        "-O2 -Wl,--gc-sections",
        "-O2 -flto -Wl,--gc-sections",
        "-O2 -static -Wl,--gc-sections",
        "-shared -fPIC -nostartfiles -Wl,--gc-sections -Wl,-z,defs",
    ];
    let strips = [
        "strip -s",
        "strip --strip-unneeded --remove-section=.comment --remove-section=.note",
        "eu-strip",
    ];
    for link in links {
        let words = link.split(' ');
        cmd!(sh, "{cc} -fuse-ld={linker} {words...} caller.c {object} -o linked").run()?;
        has_note(Path::new("/tmp/linked"))?;
        for strip in strips {
            sh.copy_file("linked", "stripped")?;
            cmd!(sh, "sh -c {strip}' stripped'").run()?;
            has_note(Path::new("/tmp/stripped"))?;
        }
    }
    Ok(())
}
