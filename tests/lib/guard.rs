//! Two processes around each test, one in the other: `tests guard SECONDS COMMAND...`.
//!
//! Daemons leave the process group and the session of the test. They cannot leave the
//! guards: the kernel gives each orphan below a subreaper to it. The inner guard ends
//! all of them when the command has ended, when its time is over, at a signal, and when
//! the outer one dies. The outer one does the same if the inner one is killed.

use crate::{Context, Result, sandbox};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, mkdtemp};
use std::fs::{self, File, Permissions};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant, SystemTime};
use std::{env, process};

const PREFIX: &str = "master_proto-sandbox.";
/// Set by the outer guard: the directory of the sandbox.
const DIRECTORY: &str = "MASTER_PROTO_GUARDED";

/// The program that is the guard, beside the test programs or this one itself.
pub fn program() -> Result<PathBuf> {
    let me = env::current_exe()?;
    if me.file_name() == Some("tests".as_ref()) {
        return Ok(me);
    }
    let directory =
        me.parent().and_then(Path::parent).context("this program is in no directory")?;
    Ok(directory.join("tests"))
}

/// Runs a command until it ends, for so many seconds at the most.
pub fn run(seconds: u64, command: &[String]) -> Result<ExitCode> {
    prctl::set_child_subreaper(true)?;
    prctl::set_pdeathsig(Signal::SIGTERM)?;
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block()?;
    let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;

    let known = env::var_os(DIRECTORY).map(PathBuf::from);
    let is_outer = known.is_none();
    let (directory, _lock) = match known {
        Some(directory) => (directory, None),
        None => create_directory().map(|(directory, lock)| (directory, Some(lock)))?,
    };
    let mut child = if is_outer {
        let mut inner = Command::new(env::current_exe()?);
        inner.args(env::args_os().skip(1)).env(DIRECTORY, &directory);
        inner
    } else {
        // Descriptors of a make above are not for daemons.
        let mut inner = Command::new("sh");
        inner.args(["-c", "umask 022; exec \"$@\" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-", "sh"]);
        inner.args(command).env_remove(DIRECTORY);
        sandbox::describe(&mut inner, &directory)?;
        inner
    };
    let child = child.spawn().with_context(|| format!("cannot run {child:?}"))?;
    let child = Pid::from_raw(child.id().try_into()?);
    let limit = if is_outer { Duration::MAX } else { Duration::from_secs(seconds) };
    let result = wait(child, &signals, limit);
    kill_all_below()?;
    _ = fs::remove_dir_all(&directory);
    match result? {
        Outcome::Exit(code) => Ok(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)),
        Outcome::Signal(signal) => {
            eprintln!("the guard ends this: {signal}");
            Ok(ExitCode::FAILURE)
        }
        Outcome::TimeOver => {
            eprintln!("not done in {seconds} s, and killed");
            Ok(ExitCode::FAILURE)
        }
    }
}

enum Outcome {
    Exit(i32),
    Signal(String),
    TimeOver,
}

/// Waits for the child, and reaps orphans meanwhile.
fn wait(child: Pid, signals: &SignalFd, limit: Duration) -> Result<Outcome> {
    let end = Instant::now().checked_add(limit);
    loop {
        let mut wanted = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let timeout = left.map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut wanted, timeout) {
            // poll(2) waits 24 days at the most; then it is not the limit that is over.
            Ok(0) if left.is_some_and(|left| left < Duration::from_millis(i32::MAX as u64)) => {
                return Ok(Outcome::TimeOver);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        while let Some(signal) = signals.read_signal()? {
            let signal = Signal::try_from(i32::try_from(signal.ssi_signo)?)?;
            if signal != Signal::SIGCHLD {
                return Ok(Outcome::Signal(signal.to_string()));
            }
        }
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) if pid == child => {
                    return Ok(Outcome::Exit(code));
                }
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                    return Ok(Outcome::Signal(format!("its command died of {signal}")));
                }
                Ok(WaitStatus::StillAlive) => break,
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Until no process is left: what a dying one has just started comes to this one.
fn kill_all_below() -> Result {
    loop {
        for pid in all_below()? {
            _ = kill(pid, Signal::SIGKILL);
        }
        match waitpid(None, None) {
            Err(Errno::ECHILD) => return Ok(()),
            Err(Errno::EINTR) | Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn all_below() -> Result<Vec<Pid>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        // The name, in parentheses, may contain anything; the parent comes after the state.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent =
            stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        processes.push((pid, parent.unwrap_or(0)));
    }
    let (mut found, mut next) = (vec![process::id()], 0);
    while next < found.len() {
        let children = processes.iter().filter(|(_, parent)| *parent == found[next]);
        found.extend(children.map(|(pid, _)| *pid).collect::<Vec<_>>());
        next += 1;
    }
    Ok(found[1..].iter().filter_map(|&pid| Some(Pid::from_raw(pid.try_into().ok()?))).collect())
}

/// Where daemons of any user reach it; a sandbox in a sandbox goes with that.
fn parent() -> PathBuf {
    if sandbox::is_inside() { sandbox::scratch() } else { "/tmp".into() }
}

/// A directory that daemons can reach. The lock shows others that it is in use.
fn create_directory() -> Result<(PathBuf, Flock<File>)> {
    remove_stale_directories()?;
    let directory = mkdtemp(&parent().join(format!("{PREFIX}XXXXXX")))?;
    let lock = lock(&directory)?.context("somebody else has locked a new directory")?;
    fs::set_permissions(&directory, Permissions::from_mode(0o755))?;
    Ok((directory, lock))
}

fn lock(directory: &Path) -> Result<Option<Flock<File>>> {
    Ok(Flock::lock(File::open(directory)?, FlockArg::LockExclusiveNonblock).ok())
}

/// Removes what guards have left that were killed, both at once: directories with the
/// link of a sandbox, or empty ones. One that was made just now may not be locked yet.
fn remove_stale_directories() -> Result {
    for entry in fs::read_dir(parent())?.flatten() {
        let is_old = |time: SystemTime| time.elapsed().is_ok_and(|age| age.as_secs() > 60);
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && age.is_ok_and(is_old)
            && matches!(lock(&entry.path()), Ok(Some(_)))
            && fs::remove_dir(entry.path()).is_err()
            && entry.path().join("trees").is_symlink()
        {
            _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}
