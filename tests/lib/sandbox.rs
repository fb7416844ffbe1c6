//! Where a test runs: in a process of its own, as root of the machine, of a
//! container or of a user namespace, with a directory and an address of its own.
//! The [guard](crate::guard) ends whatever the test leaves running.

use crate::{Context, Result, checkout, guard, last_lines};
use anyhow::bail;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, thread};

/// Variables of the make and the cargo that run the tests, and a library path, with
/// which Postfix does not build.
const NOT_FOR_TESTS: [&str; 16] = [
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "DESTDIR",
    "PREFIX",
    "LIBDIR",
    "INCLUDEDIR",
    "PKGCONFIGDIR",
    "MANDIR",
    "DOCDIR",
    "BUILD",
    "CDPATH",
    "LD_LIBRARY_PATH",
    "RUST_TEST_THREADS",
    "RUSTFLAGS",
];

/// Runs the test that calls this in a sandbox, for five minutes at the most.
pub fn sandbox<T>(body: impl FnOnce() -> Result<T>) -> Result {
    sandbox_for(300, body)
}

/// Runs the test that calls this in a sandbox: starts this program again for that
/// test alone, where this call runs the body.
pub fn sandbox_for<T>(seconds: u64, body: impl FnOnce() -> Result<T>) -> Result {
    if is_inside() {
        return body().map(drop);
    }
    let thread = thread::current();
    let name = thread.name().context("a test has a thread of its own, called after it")?;
    rerun(name, seconds)
}

/// Runs the test of this name in a sandbox.
pub fn rerun(name: &str, seconds: u64) -> Result {
    let log = checkout().join("build/log").join(name.replace("::", ".") + ".log");
    let passed = run(name, seconds, &log).with_context(|| log.display().to_string())?;
    if !passed {
        bail!("{}\n\nThe full log: {}", last_lines(&fs::read(&log)?, 40), log.display());
    }
    Ok(())
}

/// Whether the one test has run and passed: libtest does not fail if no test has that name.
fn run(name: &str, seconds: u64, log: &Path) -> Result<bool> {
    fs::create_dir_all(log.parent().unwrap_or(log))?;
    let output = File::create(log)?;
    let mut command = command(seconds)?;
    command.arg(env::current_exe()?).args(["--exact", name, "--nocapture"]);
    let mut child = command.stdout(output.try_clone()?).stderr(output).spawn()?;
    let is_shown = env::args().any(|argument| argument == "--nocapture");
    let mut log = File::open(log)?;
    let status = loop {
        let ended = child.try_wait()?;
        if is_shown {
            std::io::copy(&mut log, &mut std::io::stderr())?;
        }
        match ended {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    let mut text = Vec::new();
    log.rewind()?;
    log.read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    Ok(status.success() && text.contains("\ntest result: ok. 1 passed; 0 failed; "))
}

/// The beginning of a command line that runs the rest in a sandbox.
pub fn command(seconds: u64) -> Result<Command> {
    // An ordinary user becomes root of a user namespace, and nothing else is unshared.
    let mut command = if nix::unistd::geteuid().is_root() {
        Command::new(guard::program()?)
    } else {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--map-auto"]).arg(guard::program()?);
        unshare
    };
    for name in NOT_FOR_TESTS {
        command.env_remove(name);
    }
    command
        .args(["guard", &seconds.to_string()])
        .current_dir(checkout())
        .env("CHECKOUT", checkout())
        .env("PATH", env::var("PATH")? + ":/usr/local/sbin:/usr/sbin:/sbin")
        .env("LC_ALL", "C.UTF-8")
        .env("CARGO_NET_OFFLINE", "true")
        .env("RUST_BACKTRACE", "0");
    Ok(command)
}

/// Only the guard sets it.
const INSIDE: &str = "MASTER_PROTO_SANDBOX";

pub fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Tells a command about its sandbox in this directory.
pub(crate) fn describe(command: &mut Command, directory: &Path) -> Result {
    let trees = directory.join("trees");
    if !trees.exists() {
        std::os::unix::fs::symlink(checkout().join("build/postfix"), &trees)?;
    }
    command
        .env(INSIDE, directory)
        .env("TMPDIR", directory)
        .env("TREES", trees)
        .env("CARGO_TARGET_DIR", directory.join("target"));
    Ok(())
}

/// The test's own directory, removed at its end.
pub fn scratch() -> PathBuf {
    env::var_os(INSIDE).expect("this runs in a sandbox only").into()
}

/// The test's own address: every port of it is free. 127.64.0.0/10 has one for each
/// process number, which has at most 22 bits.
pub fn address() -> Ipv4Addr {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 | a, b, c)
}
