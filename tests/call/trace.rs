//! strace sees one system call in each call of `master_notify`: one write of 12
//! bytes to descriptor 5.

use testenv::artefacts::{self, Implementation};
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![each_call_is_one_write for ["original", "object", "shared"]]
}

fn each_call_is_one_write(name: &str) -> Result<()> {
    one_write(&artefacts::named(name))
}

/// Three calls that succeed, and three that fail, after what the program does first.
pub fn one_write(implementation: &Implementation) -> Result<()> {
    let (file, folder) = (implementation.file.display(), artefact(""));
    sh!(
        "cc -I include c_tests/count.c benches/msg.c {file} -Wl,-rpath,{} -o /tmp/count",
        folder.display()
    )?;
    let message = r#"write(5, "\1\0\0\0\2\0\0\0\1\0\0\0", 12)"#;
    for (calls, first, result) in
        [("sent", "dup2", "12"), ("lost", "close(5)", "-1 EBADF (Bad file descriptor)")]
    {
        let seen = sh!("strace -o /tmp/trace /tmp/count {calls} 3
            sed '1,/^{first}/d; /^exit_group/,$d' /tmp/trace")?;
        let wanted = vec![format!("{message} = {result}"); 3].join("\n");
        ensure!(seen == wanted, "not three writes and nothing else:\n{seen}");
    }
    Ok(())
}
