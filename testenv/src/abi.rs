//! The interface as abidiff(1) sees it, and mistakes that it must see.

use crate::bare::System;
use crate::prelude::*;
use std::fs;

/// What a mistake is called, and the text of src/lib.rs that it changes.
const MISTAKES: [(&str, &str, &str); 7] = [
    (
        "wider",
        "(pid: c_int, generation: c_uint, status: c_int) -> c_int {",
        "(pid: i64, generation: c_uint, status: c_int) -> c_int {\n let pid = pid as c_int;",
    ),
    (
        "signed",
        "(pid: c_int, generation: c_uint, status: c_int) -> c_int {",
        "(pid: c_int, generation: c_int, status: c_int) -> c_int {\n let generation = generation as c_uint;",
    ),
    (
        "float",
        "(pid: c_int, generation: c_uint, status: c_int) -> c_int {",
        "(pid: c_int, generation: c_uint, status: f32) -> c_int {\n let status = status as c_int;",
    ),
    ("result", "status: c_int) -> c_int {", "status: c_int) -> i64 {"),
    (
        "order",
        "pub struct MasterStatus {",
        "pub struct MasterStatus {\n /// moved\n pub avail: c_int,",
    ),
    (
        "more",
        "mod msg;",
        "mod msg;\n/// more\n#[unsafe(no_mangle)]\npub extern \"C\" fn master_more() {}",
    ),
    ("fewer", "#[unsafe(no_mangle)]", "#[unsafe(export_name = \"master_other\")]"),
];

/// The command of docs/abi.md, for a library and the promised interface; `folder`
/// has what `packaging/abi` has.
pub fn command(folder: &str, library: &str) -> Result<String> {
    let page = fs::read_to_string(crate::checkout().join("docs/abi.md"))?;
    let line = page.lines().find(|line| line.starts_with("abidiff -t "));
    let line = line.context("docs/abi.md has no line \"abidiff -t ...\" any more")?;
    Ok(line
        .replace("old/libmaster_proto.so.1", "--no-architecture packaging/abi/master_proto.abi")
        .replace("new/libmaster_proto.so.1", library)
        .replace("packaging/abi", folder))
}

/// Builds in a folder, with debug information: `right.so`, and a library with
/// each of the mistakes.
pub fn build(folder: &Path) -> Result<Vec<String>> {
    let source = folder.join("source");
    crate::clone_checkout(&source)?;
    let sh = Shell::new()?;
    sh.change_dir(&source);
    let file = source.join("src/lib.rs");
    let right = fs::read_to_string(&file)?;
    let mut names = Vec::new();
    for (name, from, to) in [("right", "", "")].into_iter().chain(MISTAKES) {
        let mut text = right.replacen(from, to, 1);
        ensure!(name == "right" || text != right, "src/lib.rs has no \"{from}\" any more");
        if name == "order" {
            let last =
                "    /// offset 8: MASTER_STAT_TAKEN or MASTER_STAT_AVAIL\n    pub avail: c_int,\n";
            ensure!(text.contains(last), "src/lib.rs has no \"{last}\" any more");
            text = text.replacen(last, "", 1);
        }
        fs::write(&file, text)?;
        cmd!(sh, "tools/build build").env("DEBUG", "1").run()?;
        fs::copy(source.join("build/libmaster_proto.so.1"), folder.join(format!("{name}.so")))?;
        names.push(name.to_owned());
    }
    fs::remove_dir_all(source)?;
    for file in ["master_proto.abi", "master_proto.suppr"] {
        fs::copy(crate::checkout().join("packaging/abi").join(file), folder.join(file))?;
    }
    Ok(names)
}

/// Whether what abidiff ended with, for a library of that name, is what it must:
/// 0, or a change of the interface, which is not the same as a failure to look.
pub fn is_right(name: &str, code: Option<i32>) -> Result<()> {
    let seen = code.is_some_and(|code| code & 4 != 0 && code & 3 == 0 && code < 16);
    ensure!(
        if name == "right" { code == Some(0) } else { seen },
        "abidiff ends with {code:?} for the library \"{name}\""
    );
    Ok(())
}

/// The same with the abidiff of a release; and for what is installed there, the
/// command of docs/abi.md.
pub(crate) fn in_system(system: &System) -> Result<()> {
    let here = crate::checkout().join("build/deb/abi");
    if here.exists() {
        fs::remove_dir_all(&here)?;
    }
    let names = build(&here)?;
    system.put("tester", &here, "abi")?;
    system.run("tester", "abidiff --version")?;
    for name in names {
        let status =
            system.command("tester", &command("abi", &format!("abi/{name}.so"))?).status()?;
        is_right(&name, status.code())?;
    }
    let installed = "$(readlink -f /usr/lib/*/libmaster_proto.so.1)";
    let separate = "abidiff --debug-info-dir2 /usr/lib/debug";
    system.run("tester", &command("abi", installed)?.replace("abidiff", separate))
}
