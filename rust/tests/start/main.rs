//! Starts programs as `master(8)` does, and in every wrong way.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Output, Stdio};

/// Runs an example, and returns its process ID, too. In `redirections`, 0 is a
/// listener and 1 is `status`.
fn run(
    example: &str,
    environment: &str,
    redirections: &str,
    status: Stdio,
    options: &str,
) -> (u32, Output) {
    // `cargo test` builds the examples, too.
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples").join(example);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{environment} exec \"$0\" \"$@\" {redirections}"));
    command.arg(program).args(options.split(' ')).env_remove("GENERATION");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    command.stdin(OwnedFd::from(listener)).stdout(status).stderr(Stdio::piped());
    let process = command.spawn().unwrap();
    (process.id(), process.wait_with_output().unwrap())
}

/// Runs the probe with all that it needs, and returns the reports that it should send.
fn probe(status: Stdio) -> (Vec<u8>, Output) {
    let options = "-n name -t inet -u -s 2 one two";
    let (pid, output) = run("probe", "GENERATION=17", "5>&1 6<&0 7<&0", status, options);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "the descriptors from master(8) can be taken only once",
            r#"("name", Inet, ["one", "two"])"#,
            "inherited: false",
            "[OwnedFd { fd: 6 }, OwnedFd { fd: 7 }] []",
        ]
    );
    let report = |status: u32| [pid, 0o17, status].map(u32::to_ne_bytes).concat();
    ([report(0), report(1)].concat(), output)
}

#[test]
fn starts_with_a_pipe() {
    let (reports, output) = probe(Stdio::piped());
    assert_eq!(output.stdout, reports);
}

#[test]
fn starts_with_a_socket() {
    let (status, mut masters) = UnixStream::pair().unwrap();
    let (reports, _) = probe(OwnedFd::from(status).into());
    let mut sent = Vec::new();
    masters.read_to_end(&mut sent).unwrap();
    assert_eq!(sent, reports);
}

#[test]
fn a_wrong_start_is_one_message_and_status_1() {
    let generation = "GENERATION=17";
    let inet = "-t inet nobody";
    let right = "5>&1 6<&0";
    for (text, environment, redirections, options) in [
        ("GENERATION: environment variable not found", "", right, inet),
        ("GENERATION, \"8\", is not an octal number", "GENERATION=8", right, inet),
        ("descriptor 5 is not open", generation, "5>&- 6<&0", inet),
        ("descriptor 5 is not a pipe or socket", generation, "5</dev/null 6<&0", inet),
        ("descriptor 6 is not open", generation, "5>&1 6<&-", inet),
        ("descriptor 7 is not open", generation, "5>&1 6<&0 7<&-", "-t inet -s 2 nobody"),
        ("no option -t", generation, right, "nobody"),
        ("option -t tcp: unknown transport", generation, right, "-t tcp nobody"),
        ("is of type inet or unix, not Pass", generation, right, "-t pass nobody"),
        ("takes one argument, the user to become", generation, right, "-t inet"),
        ("is unknown, or is root", generation, right, "-t inet root"),
        ("is unknown, or is root", generation, right, "-t inet no-such-user"),
    ] {
        let (_, output) = run("child", environment, redirections, Stdio::piped(), options);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}: {said}");
        assert!(said.contains(text) && said.lines().count() == 1, "{text}: {said}");
        assert_eq!(output.stdout, [], "{text}: {said}");
    }
}

#[test]
fn writes_to_no_file() {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/status");
    let file = fs::File::create(path).unwrap();
    let (_, output) = run("probe", "GENERATION=17", "5>&1 6<&0", file.into(), "-t inet nobody");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("5 is not a pipe or socket"), "{said}");
    assert_eq!(fs::read(path).unwrap(), []);
}
