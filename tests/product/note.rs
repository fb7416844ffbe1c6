//! The ELF note by which `readelf -n` shows that a binary contains this code.

use tests::prelude::*;

/// Each file must have the note: owner, size of the description, type.
pub fn has_note(files: &str) -> Result {
    let version = manifest("version")?;
    sh!("for file in {files}; do
            readelf -nW $file | grep -E '^ *master_proto {version}\\s+0x00000000\\s.*0x00006d70'
        done")
    .with_context(|| format!("one of these has no note of 'master_proto {version}': {files}"))?;
    Ok(())
}

#[test]
fn artefacts_have_the_note() -> Result {
    sandbox(|| {
        has_note("build/*master_proto.[oa] build/libmaster_proto.so build/strong/master_proto.o")
    })
}

#[test]
fn note_is_not_loaded() -> Result {
    sandbox(|| {
        // After type, address, offset, size and entry size: no flags, and three numbers.
        sh!("for file in build/master_proto.o build/libmaster_proto.so; do
                readelf -SW $file |
                    grep -E ' [.]note[.]master_proto +NOTE( +[0-9a-f]+){{4}}( +[0-9]+){{3}}$'
            done")
    })
}

#[test]
fn note_survives_linking_and_stripping() -> Result {
    sandbox(|| super::LINKERS.iter().try_for_each(|linker| survives(linker)))
}

fn survives(linker: &str) -> Result {
    // lld cannot link gcc's LTO objects.
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
            "{cc} -fuse-ld={linker} {link} -I include $TMPDIR/caller.c build/master_proto.o \\
                -o $TMPDIR/linked
            cd $TMPDIR
            strip -s -o stripped linked
            strip --strip-unneeded --remove-section=.comment --remove-section=.note -o less linked
            eu-strip -o eu-stripped linked"
        ))?;
        has_note("$TMPDIR/linked $TMPDIR/stripped $TMPDIR/less $TMPDIR/eu-stripped")?;
    }
    Ok(())
}
