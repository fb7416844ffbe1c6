//! The interface as abidiff(1) sees it, and mistakes that it must see.

use crate::bare::System;
use crate::prelude::*;
use std::fs;

/// What a library is called, and how sed changes src/lib.rs for it.
const LIBRARIES: [(&str, &str); 8] = [
    ("right", ""),
    ("wrong-wider", "s/(pid: c_int\\(.*\\)/(pid: i64\\1 let pid = pid as c_int;/"),
    (
        "wrong-signed",
        "s/generation: c_uint\\(.*\\)/generation: c_int\\1 let generation = generation as c_uint;/",
    ),
    ("wrong-float", "s/status: c_int\\(.*\\)/status: f32\\1 let status = status as c_int;/"),
    ("wrong-result", "s/status: c_int) -> c_int/status: c_int) -> i64/"),
    (
        "wrong-order",
        "s/^pub struct MasterStatus {/& #[doc(hidden)] pub avail: c_int,/; /offset 8/,/pub avail/d",
    ),
    (
        "wrong-more",
        "s/^mod msg;/& #[doc(hidden)] #[unsafe(no_mangle)] pub extern \"C\" fn master_more() {}/",
    ),
    ("wrong-fewer", "s/unsafe(no_mangle)/unsafe(export_name = \"master_other\")/"),
];

/// The command of docs/abi.md, for a library and the promised interface; `folder`
/// has what `packaging/abi` has.
fn command(folder: &str, library: &str) -> Result<String> {
    let page = fs::read_to_string(crate::checkout().join("docs/abi.md"))?;
    let line = page.lines().find(|line| line.starts_with("abidiff -t "));
    let line = line.context("docs/abi.md has no line \"abidiff -t ...\" any more")?;
    Ok(line
        .replace("old/libmaster_proto.so.1", "--no-architecture packaging/abi/master_proto.abi")
        .replace("new/libmaster_proto.so.1", library)
        .replace("packaging/abi", folder))
}

/// Builds these libraries in a folder, with debug information.
pub fn build(folder: &Path) -> Result<()> {
    let source = folder.join("source");
    crate::clone_checkout(&source)?;
    let (checkout, folder) = (crate::checkout(), folder.display());
    let checkout = checkout.display();
    for (name, edit) in LIBRARIES {
        sh!("cd '{folder}/source'
            sed '{edit}' '{checkout}/src/lib.rs' >src/lib.rs
            if [ {name} != right ] && cmp '{checkout}/src/lib.rs' src/lib.rs; then exit 1; fi
            DEBUG=1 tools/build build
            cp build/libmaster_proto.so.1 ../{name}.so")
        .with_context(|| format!("the edit for {name}.so does not suit src/lib.rs any more"))?;
    }
    fs::remove_dir_all(source)?;
    sh!("cp '{checkout}/packaging/abi/'* '{folder}'")?;
    Ok(())
}

/// A script that has abidiff look at what was built there. It must end with 0, or
/// with a change of the interface, which is not the same as a failure to look.
pub fn check(folder: &str) -> Result<String> {
    let command = command(folder, "$library")?;
    Ok(format!(
        "abidiff --version
        for library in {folder}/*.so; do
            status=0
            {command} || status=$?
            case $library:$status in
            */right.so:0 | */wrong-*:4 | */wrong-*:12) ;;
            *) echo \"abidiff ends with $status for $library\" >&2; exit 1 ;;
            esac
        done"
    ))
}

/// The same with the abidiff of a release; and for what is installed there, the
/// command of docs/abi.md.
pub(crate) fn in_system(system: &System) -> Result<()> {
    let here = crate::checkout().join("build/deb/abi");
    if here.exists() {
        fs::remove_dir_all(&here)?;
    }
    build(&here)?;
    system.put("tester", &here, "abi")?;
    system.run("tester", &check("abi")?)?;
    let installed = "$(readlink -f /usr/lib/*/libmaster_proto.so.1)";
    let separate = "abidiff --debug-info-dir2 /usr/lib/debug";
    system.run("tester", &command("abi", installed)?.replace("abidiff", separate))
}
