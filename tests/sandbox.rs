//! The sandbox of the tests: nothing outlives it, and no two of them meet.

use std::net::TcpListener;
use std::process::Command;
use tests::guard;
use tests::prelude::*;

/// A script in a sandbox within that of the test. In it, `leave` starts a process that
/// leaves its parent, its group and its session.
fn guarded(seconds: u64, text: &str) -> Result<Command> {
    let leave =
        "leave() { (setsid sleep 100 & echo $! >$OUTSIDE/pid; echo $TMPDIR >$OUTSIDE/directory); }";
    let mut command = Command::new(guard::program()?);
    command.args(["guard", &seconds.to_string(), "sh", "-euxc", &format!("{leave}\n{text}")]);
    command.env("OUTSIDE", scratch());
    Ok(command)
}

fn is_running() -> bool {
    script("kill -0 $(cat $TMPDIR/pid)").is_ok()
}

/// Neither the process that was left nor the directory of the inner sandbox.
fn nothing_is_left() -> bool {
    !is_running() && script("test ! -e $(cat $TMPDIR/directory)").is_ok()
}

#[test]
fn guard_ends_what_a_test_leaves() -> Result {
    sandbox(|| {
        let status = guarded(60, "leave; exit 7")?.status()?;
        ensure!(status.code() == Some(7), "the status of the command is hidden: {status}");
        ensure!(nothing_is_left());
        Ok(())
    })
}

#[test]
fn guard_ends_a_test_at_its_time_limit() -> Result {
    sandbox(|| {
        let (status, said) = tests::output(&mut guarded(5, "leave; sleep 100")?)?;
        ensure!(!status.success() && said.contains("not done in 5 s, and killed"), "{said}");
        ensure!(nothing_is_left());
        Ok(())
    })
}

/// The guard's two processes, its command, and the program that has started it: any may
/// be killed, or told to end.
#[test]
fn guard_that_is_killed_leaves_nothing() -> Result {
    sandbox(|| {
        for (depth, signal) in
            [(0, "KILL"), (1, "KILL"), (1, "TERM"), (1, "INT"), (2, "KILL"), (3, "KILL")]
        {
            let guard = guarded(60, "leave; touch $OUTSIDE/ready; exec sleep 100")?;
            let mut parent = Command::new("sh");
            parent
                .args(["-c", "\"$@\"; exit $?", "sh"])
                .arg(guard.get_program())
                .args(guard.get_args());
            let mut parent = parent.env("OUTSIDE", scratch()).spawn()?;
            let ready = scratch().join("ready");
            wait_until(LIMIT, "the guarded script runs", || ready.exists())?;
            ensure!(is_running());
            sh!(
                "rm $TMPDIR/ready
                pid={}
                for _ in $(seq {depth}); do read -r pid _ </proc/$pid/task/$pid/children || :; done
                kill -{signal} $pid",
                parent.id()
            )?;
            let what = format!("all ends after SIG{signal} at depth {depth}");
            wait_until(LIMIT, &what, nothing_is_left)?;
            ensure!(!parent.wait()?.success(), "SIG{signal} at depth {depth} looks like success");
        }
        Ok(())
    })
}

#[test]
fn test_that_does_not_exist_has_not_passed() -> Result {
    let error = tests::sandbox::rerun("sandbox::no_such_test", 60);
    let error = error.err().context("it has passed")?.to_string();
    ensure!(error.contains("running 0 tests"), "{error}");
    Ok(())
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
