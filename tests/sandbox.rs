//! The sandbox of the tests: nothing outlives it, and no two of them meet.

use std::net::TcpListener;
use std::process::Command;
use tests::guard;
use tests::prelude::*;

/// A script in a sandbox within that of the test. In it, `leave` starts a process that
/// leaves its parent, its group and its session.
fn guarded(seconds: u64, text: &str) -> Result<Command> {
    let leave = "leave() { (setsid sleep 100 & echo $! >$OUTSIDE/pid); }";
    let mut command = Command::new(guard::program()?);
    command.args(["guard", &seconds.to_string(), "sh", "-euxc", &format!("{leave}\n{text}")]);
    command.env("OUTSIDE", scratch());
    Ok(command)
}

fn is_running() -> bool {
    script("kill -0 $(cat $TMPDIR/pid)").is_ok()
}

#[test]
fn guard_ends_what_a_test_leaves() -> Result {
    sandbox(|| {
        let status = guarded(60, "leave; echo $TMPDIR >$OUTSIDE/directory")?.status()?;
        ensure!(status.success());
        ensure!(!is_running());
        script("test ! -e $(cat $TMPDIR/directory)")?;
        Ok(())
    })
}

#[test]
fn guard_ends_a_test_at_its_time_limit() -> Result {
    sandbox(|| {
        let (status, said) = tests::output(&mut guarded(1, "leave; sleep 100")?)?;
        ensure!(!status.success() && said.contains("not done in 1 s, and killed"), "{said}");
        ensure!(!is_running());
        Ok(())
    })
}

/// Of the guard's two processes, either may be killed, or be told to end.
#[test]
fn guard_that_is_killed_leaves_nothing() -> Result {
    sandbox(|| {
        for signal in ["kill -KILL", "pkill -KILL -P", "kill -TERM", "kill -INT"] {
            let mut outer = guarded(60, "leave; touch $OUTSIDE/ready; sleep 100")?.spawn()?;
            let ready = scratch().join("ready");
            wait_until(Duration::from_secs(10), "the guarded script runs", || ready.exists())?;
            ensure!(is_running());
            sh!("rm $TMPDIR/ready; {signal} {}", outer.id())?;
            outer.wait()?;
            let what = format!("all ends after {signal}");
            wait_until(Duration::from_secs(10), &what, || !is_running())?;
        }
        Ok(())
    })
}

/// This test runs again while it has a port, which is free at the other's address.
#[test]
fn sandboxes_have_addresses_of_their_own() -> Result {
    sandbox(|| {
        let _port = TcpListener::bind((address(), 10025)).context("the address is taken")?;
        if std::env::var_os("SECOND").is_none() {
            let mut again = Command::new(std::env::current_exe()?);
            again.args(["--exact", "sandbox::sandboxes_have_addresses_of_their_own"]);
            let (status, said) = tests::output(again.env("SECOND", "1"))?;
            ensure!(status.success() && said.contains("1 passed"), "{said}");
        }
        Ok(())
    })
}
