//! The call, made from a C program that has Postfix's `msg_verbose` and
//! `msg_info` and is linked with the library that cargo builds. The C tests in
//! c_tests check far more; these tests need only cargo and a C compiler, so that
//! mutation testing can run them.
//!
//! Numbers are written out: a test that uses the crate's constants would not see
//! one change.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Runs a shell script in a directory, with more words for it. Returns what it prints.
fn run(directory: &Path, script: &str, words: &[&Path]) -> String {
    std::fs::create_dir_all(directory).expect("a directory");
    let mut sh = Command::new("sh");
    sh.args(["-euc", script, "sh"]).args(words).current_dir(directory);
    let output = sh.output().expect("sh");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Runs one in a directory of the test's own. In it, `notify VERBOSE` is the program.
fn sh(directory: &Path, script: &str) -> String {
    let notify = "program=$1; notify() { exec \"$program\" \"$1\" 77; }";
    run(directory, &format!("{notify}; {script}"), &[program()])
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The library is there under each of its names, whichever the program will ask for.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("the path of this program");
        let library = test.with_file_name("libmaster_proto.so");
        let script = r#"cp "$2" libmaster_proto.so
            cp "$2" libmaster_proto.so.1
            cc -Wall -Wextra -Werror -I "$1/include" "$1/tests/notify.c" \
                -L . -lmaster_proto -Wl,-rpath,"$PWD" -o notify"#;
        run(&scratch(""), script, &[Path::new(env!("CARGO_MANIFEST_DIR")), &library]);
        scratch("notify")
    })
}

#[test]
fn message_is_twelve_bytes_in_native_order() {
    let directory = scratch("message");
    assert_eq!(sh(&directory, "notify 0 5>file"), "0, errno 77\n");
    let message = std::fs::read(directory.join("file")).expect("the message");
    assert_eq!(message, [-2_i32, -1, 1].map(i32::to_ne_bytes).concat());
}

#[test]
fn failure_is_minus_one_and_errno() {
    let directory = scratch("failure");
    assert_eq!(sh(&directory, "notify 0 5>/dev/full"), "-1, errno 28\n");
    assert_eq!(sh(&directory, "notify 0 5>&-"), "-1, errno 9\n");
}

/// A pipe takes 12 bytes whole or not; a file at its size limit takes a part.
#[test]
fn short_write_is_a_failure_that_leaves_errno() {
    let directory = scratch("short");
    let script = "head -c 507 /dev/zero >file; ulimit -f 1; notify 1 5>>file";
    assert_eq!(
        sh(&directory, script),
        "[%s: status %d: %m] master_notify 1, errno 77\n-1, errno 77\n"
    );
    assert_eq!(directory.join("file").metadata().expect("a file").len(), 512);
}

#[test]
fn each_call_is_logged_while_msg_verbose_is_not_zero() {
    let directory = scratch("log");
    for verbose in [1, 2, -1, 256] {
        assert_eq!(
            sh(&directory, &format!("notify {verbose} 5>/dev/null")),
            "[%s: status %d] master_notify 1, errno 77\n0, errno 77\n"
        );
        assert_eq!(
            sh(&directory, &format!("notify {verbose} 5>&-")),
            "[%s: status %d: %m] master_notify 1, errno 9\n-1, errno 9\n"
        );
    }
}
