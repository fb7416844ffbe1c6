//! With Postfix's own code at the other end: its libpostfix-util renders the log
//! lines, its master_status.c reads the messages. What both print must be, byte
//! for byte, the `.txt` beside the program, for C as for ours.

use std::process::Command;
use testenv::artefacts::{self, Implementation};
use testenv::prelude::*;
use testenv::tree::{self, Kind};

pub fn cases() -> Vec<Case> {
    let programs = [
        ("log_lines_read_as_documented", "rendered"),
        ("master_understands_the_messages", "server"),
    ];
    let mut cases = Vec::new();
    for (claim, program) in programs {
        for implementation in artefacts::all() {
            let name = format!("call::rendered::{claim}::{}", implementation.name);
            cases.push(Case::new(name, move || prints_its_text(program, &implementation)));
        }
    }
    cases
}

fn prints_its_text(name: &str, implementation: &Implementation) -> Result<()> {
    let sh = Shell::new()?;
    let tree = tree::stock(Kind::Static);
    let system = tree::setting(&tree, "SYSTYPE")?;
    let libraries = tree::setting(&tree, "SYSLIBS")?;
    let libraries = libraries.split_whitespace();
    let sources = checkout().join("c_tests");
    let (source, text) = (sources.join(format!("{name}.c")), sources.join(format!("{name}.txt")));
    let master = (name == "server").then_some("src/master/master_status.o");
    let (header, file) = (&implementation.header, &implementation.file);
    let folder = artefact("");
    let program = scratch().join(name);
    // The header of the implementation first: Postfix's folders have their own.
    let flags = "-O2 -Wall -Wextra -Werror -Wno-comment -DNO_DB -DNO_NIS -DNO_EAI".split(' ');
    let postfixs = ["-isystem", "include", "-isystem", "src/master"];
    let link = format!("-Wl,-rpath,{}", folder.display());
    sh.change_dir(&tree);
    cmd!(
        sh,
        "gcc {flags...} -D{system} -I {header} {postfixs...} {source} {master...} {file} {link}
             lib/libutil.a {libraries...} -o {program}"
    )
    .run()?;
    // Through a pipe, as a program may limit the size of files.
    let output = Command::new(program).env("LC_ALL", "C").output()?;
    let said = String::from_utf8(output.stderr)?;
    let wanted = sh.read_file(text)?;
    ensure!(said == wanted, "not the text of c_tests/{name}.txt but:\n{said}");
    ensure!(output.status.success(), "{}", output.status);
    Ok(())
}
