//! The sandbox of the tests: nothing outlives it, and nobody shares it.

use std::collections::HashSet;
use std::fs;
use std::process::{Child, Command, Stdio};
use tests::instance::{Signal, is_alive, signal};
use tests::prelude::*;
use tests::{guard, sandbox};

/// Starts a daemon in a session of its own, says so, and then runs a command.
fn start(seconds: &str, then: &str) -> Result<Child> {
    let script = format!(
        "setsid sh -c 'echo $$ >\"$1\"; exec sleep 1000' sh $TMPDIR/daemon &
        echo $TMPDIR >{0}/directory.new
        until [ -s $TMPDIR/daemon ]; do :; done
        mv $TMPDIR/daemon {0}; mv {0}/directory.new {0}/directory
        {then}",
        scratch().display()
    );
    let mut command = Command::new(guard::program()?);
    command.args(["guard", seconds, "sh", "-c", &script]);
    Ok(command.stdin(Stdio::null()).spawn()?)
}

/// The daemon and the directory, when there are both.
fn daemon_and_directory() -> Result<(u32, PathBuf)> {
    let read = |name: &str| fs::read_to_string(scratch().join(name)).unwrap_or_default();
    wait_until(Duration::from_secs(60), "the daemon runs", || !read("directory").is_empty())?;
    let daemon = read("daemon").trim().parse()?;
    ensure!(is_alive(daemon), "there is no daemon {daemon}");
    Ok((daemon, PathBuf::from(read("directory").trim())))
}

fn both_go(daemon: u32, directory: &Path) -> Result {
    wait_until(Duration::from_secs(60), "the daemon and the directory go", || {
        !is_alive(daemon) && !directory.exists()
    })
}

#[test]
fn daemons_and_directory_go_with_the_command() -> Result {
    sandbox(|| {
        let mut guard = start("60", "until [ -e $TMPDIR/end ]; do sleep 0.02; done; exit 7")?;
        let (daemon, directory) = daemon_and_directory()?;
        fs::write(directory.join("end"), "")?;
        let status = guard.wait()?;
        ensure!(status.code() == Some(7), "the guard hides the status of the command: {status}");
        ensure!(!is_alive(daemon) && !directory.exists(), "they are still there");
        Ok(())
    })
}

#[test]
fn daemons_and_directory_go_at_the_time_limit() -> Result {
    sandbox(|| {
        let status = start("1", "exec sleep 1000")?.wait()?;
        ensure!(status.code() == Some(1), "{status}");
        let (read, gone) = (fs::read_to_string(scratch().join("daemon"))?, |pid| !is_alive(pid));
        ensure!(gone(read.trim().parse()?), "the daemon is still there");
        Ok(())
    })
}

/// The outer guard is told to end or killed, or the inner one, or the command is killed.
#[test]
fn daemons_and_directory_go_whichever_process_is_killed() -> Result {
    sandbox(|| {
        for (depth, how) in [
            (0, Signal::SIGTERM),
            (0, Signal::SIGINT),
            (0, Signal::SIGKILL),
            (1, Signal::SIGKILL),
            (2, Signal::SIGKILL),
        ] {
            let mut guard = start("60", "exec sleep 1000")?;
            let (daemon, directory) = daemon_and_directory()?;
            let mut victim = guard.id();
            for _ in 0..depth {
                let children = sh!("cat /proc/{victim}/task/{victim}/children")?;
                victim = children.split(' ').next().unwrap_or_default().parse()?;
            }
            signal(victim, how);
            both_go(daemon, &directory).with_context(|| format!("{how} at depth {depth}"))?;
            ensure!(!guard.wait()?.success(), "{how} at depth {depth} looks like success");
            sh!("rm $TMPDIR/daemon $TMPDIR/directory")?;
        }
        Ok(())
    })
}

/// As libtest and cargo do.
#[test]
fn daemons_and_directory_go_with_the_parent() -> Result {
    sandbox(|| {
        let program = guard::program()?;
        let parent = Command::new("sh")
            .args(["-c", "\"$@\" & wait", "sh"])
            .arg(program)
            .args(["guard", "60", "sh", "-c", "echo $$ >$1; echo $TMPDIR >$2; exec sleep 1000", "sh"])
            .args([scratch().join("daemon"), scratch().join("directory")])
            .spawn()?;
        let (daemon, directory) = daemon_and_directory()?;
        signal(parent.id(), Signal::SIGKILL);
        both_go(daemon, &directory)
    })
}

#[test]
fn test_that_does_not_exist_has_not_passed() -> Result {
    let passed = sandbox::rerun("guard::no_such_test", 60).is_ok();
    ensure!(!passed, "a test that does not exist has passed");
    Ok(())
}

#[test]
fn each_process_has_an_address_of_its_own() -> Result {
    let mut seen = HashSet::new();
    for process in 1..=1 << 22 {
        let address = sandbox::address_of(process);
        ensure!(address.is_loopback() && address.octets()[1] >= 64, "{process}: {address}");
        ensure!(seen.insert(address), "two processes have {address}");
    }
    Ok(())
}
