//! strace sees one system call in each call of `master_notify`: one write of 12
//! bytes to descriptor 5.

use tests::prelude::*;

#[test]
fn each_call_is_one_write() -> Result {
    sandbox(|| {
        for file in ["original/original.o", "master_proto.o", "libmaster_proto.so"] {
            one_write(&format!("build/{file}"))?;
        }
        Ok(())
    })
}

/// Three calls that succeed and three that fail, after the program's own first steps.
pub fn one_write(file: &str) -> Result {
    sh!("cc -I include c_tests/count.c {file} -o $TMPDIR/count")?;
    let message = r#"write(5, "\1\0\0\0\2\0\0\0\1\0\0\0", 12)"#;
    for (calls, first, result) in
        [("sent", "dup2", "12"), ("lost", "close(5)", "-1 EBADF (Bad file descriptor)")]
    {
        let seen =
            sh!("LD_LIBRARY_PATH=$PWD/build strace -o $TMPDIR/trace $TMPDIR/count {calls} 3
            sed '1,/^{first}/d; /^exit_group/,$d' $TMPDIR/trace")?;
        let wanted = vec![format!("{message} = {result}"); 3].join("\n");
        ensure!(seen == wanted, "not three writes and nothing else:\n{seen}");
    }
    Ok(())
}
