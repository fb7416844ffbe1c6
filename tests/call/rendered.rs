//! With Postfix's own code at the other end: its libpostfix-util renders the log
//! lines, its master_status.c reads the messages. What both print must be, byte
//! for byte, the `.txt` beside the program, for C as for ours.

use testenv::artefacts;
use testenv::prelude::*;
use testenv::tree::{self, Kind};

const IMPLEMENTATIONS: [&str; 3] = ["original", "object", "shared"];

pub fn cases() -> Vec<Case> {
    testenv::cases![
        log_lines_read_as_documented for IMPLEMENTATIONS,
        master_understands_the_messages for IMPLEMENTATIONS,
    ]
}

fn log_lines_read_as_documented(implementation: &str) -> Result<()> {
    prints_its_text("rendered", implementation, "")
}

fn master_understands_the_messages(implementation: &str) -> Result<()> {
    prints_its_text("server", implementation, "src/master/master_status.o")
}

/// The header of the implementation comes first: Postfix's folders have their
/// own. The output goes through a pipe, as a program may limit the size of files.
fn prints_its_text(program: &str, implementation: &str, master: &str) -> Result<()> {
    let tree = tree::stock(Kind::Static);
    let (system, libraries) = (tree::setting(&tree, "SYSTYPE")?, tree::setting(&tree, "SYSLIBS")?);
    let implementation = artefacts::named(implementation);
    let (header, file) = (implementation.header.display(), implementation.file.display());
    let (tests, build) = (checkout().join("c_tests"), artefact(""));
    let (tests, build) = (tests.display(), build.display());
    sh!(
        "cd {}
        gcc -O2 -Wall -Wextra -Werror -Wno-comment -DNO_DB -DNO_NIS -DNO_EAI -D{system} -I {header} \
            -isystem include -isystem src/master {tests}/{program}.c {master} {file} \
            -Wl,-rpath,{build} lib/libutil.a {libraries} -o /tmp/program
        {{ LC_ALL=C /tmp/program 2>&1; echo \"ends with $?\"; }} | cat >/tmp/printed
        echo 'ends with 0' | cat {tests}/{program}.txt - | diff - /tmp/printed >&2",
        tree.display()
    )
    .with_context(|| format!("it does not print c_tests/{program}.txt"))
    .map(drop)
}
