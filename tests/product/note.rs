//! Whose code is inside: `readelf -n` tells it, whatever was linked and stripped.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        artefacts_have_the_note,
        note_is_not_loaded,
        survives_linking_and_stripping for super::LINKERS,
    ]
}

/// In each of these files, the note as readelf shows it: owner, size of the
/// description, type.
pub fn has_note(files: &str) -> Result<()> {
    let version = manifest("version")?;
    sh!("for file in {files}; do
            readelf -nW $file | grep -E '^ *master_proto {version}\\s+0x00000000\\s.*0x00006d70'
        done")
    .with_context(|| format!("one of these has no note of 'master_proto {version}': {files}"))?;
    Ok(())
}

fn artefacts_have_the_note() -> Result<()> {
    has_note("build/*master_proto.[oa] build/libmaster_proto.so build/strong/master_proto.o")
}

fn note_is_not_loaded() -> Result<()> {
    // After type, address, offset, size and entry size, no flags, and three numbers.
    sh!("for file in build/master_proto.o build/libmaster_proto.so; do
            readelf -SW $file | grep -E ' [.]note[.]master_proto +NOTE( +[0-9a-f]+){{4}}( +[0-9]+){{3}}$'
        done")?;
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
            "cd /tmp
            {cc} -fuse-ld={linker} {link} -I $OLDPWD/include caller.c $OLDPWD/build/master_proto.o \\
                -o linked
            strip -s -o stripped linked
            strip --strip-unneeded --remove-section=.comment --remove-section=.note -o less linked
            eu-strip -o eu-stripped linked"
        ))?;
        has_note("/tmp/linked /tmp/stripped /tmp/less /tmp/eu-stripped")?;
    }
    Ok(())
}
