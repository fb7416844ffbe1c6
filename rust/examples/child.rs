//! A service under Postfix's master(8), one client at a time, for Linux.
//!
//! Sends each client back what it says: put your own protocol into `serve`. In
//! master.cf, with the user to become as the argument:
//!
//!   127.0.0.1:10026 inet n - n - 10 child nobody
//!
//! The executable goes into `daemon_directory`. SIGTERM ends this process at
//! once, with its client, as it ends Postfix's own servers.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::syslog::{Facility, LogFlags, Severity, openlog, syslog};
use nix::unistd::{User, chroot, initgroups, setgid, setuid};
use postfix_service::{Child, Status, Transport};
use std::error::Error;
use std::ffi::CString;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Without a client, as Postfix's `max_idle`.
const MAX_IDLE: Duration = Duration::from_secs(100);
/// Clients, as Postfix's `max_use`.
const MAX_USE: u32 = 100;
/// For a client to say or take something.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    // SAFETY: this comes first, so nothing else owns a descriptor yet.
    let child = unsafe { Child::from_env() };
    // Before chroot(2), which puts /dev/log out of reach. LOG_PERROR is for tries by hand.
    let flags = LogFlags::LOG_PID | LogFlags::LOG_NDELAY | LogFlags::LOG_PERROR;
    let _ = openlog(Some(c"postfix/child"), flags, Facility::LOG_MAIL);
    match child.map_err(Into::into).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn log(message: &str) {
    let _ = syslog(Severity::LOG_ERR, message);
}

fn run(mut child: Child) -> Result<()> {
    let new = match child.transport() {
        Transport::Inet => |fd| Listener::Inet(TcpListener::from(fd)),
        Transport::Unix => |fd| Listener::Unix(UnixListener::from(fd)),
        other => return Err(format!("this service is of type inet or unix, not {other:?}").into()),
    };
    let [user] = child.arguments() else {
        return Err("in master.cf the command takes one argument, the user to become".into());
    };
    drop_privileges(user.to_str().unwrap_or_default(), child.wants_chroot())?;
    let listeners: Vec<_> = child.take_listeners().into_iter().map(new).collect();
    serve_clients(&child, &listeners)
}

/// master(8) starts every service as root, in the queue directory.
fn drop_privileges(user: &str, wants_chroot: bool) -> Result<()> {
    let entry = User::from_name(user)?.filter(|entry| !entry.uid.is_root());
    let entry = entry
        .ok_or_else(|| format!("user {user} is unknown, or is root: name another in master.cf"))?;
    initgroups(&CString::new(user)?, entry.gid)?;
    setgid(entry.gid)?;
    if wants_chroot {
        chroot(".")?;
    }
    setuid(entry.uid)?;
    Ok(())
}

/// Returns when there is no more to do: then the process must end.
fn serve_clients(child: &Child, listeners: &[Listener]) -> Result<()> {
    let mut fds: Vec<_> = [child.status_fd()]
        .into_iter()
        .chain(listeners.iter().map(Listener::as_fd))
        .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
        .collect();
    let mut served = 0;
    while served < MAX_USE {
        match poll(&mut fds, PollTimeout::try_from(MAX_IDLE)?) {
            Ok(0) => break,
            Err(Errno::EINTR) => continue,
            result => result?,
        };
        let is_ready = |fd: &PollFd| fd.any() != Some(false);
        // master(8) never writes to the status descriptor; so it has closed its end.
        if is_ready(&fds[0]) {
            break;
        }
        for (listener, _) in listeners.iter().zip(&fds[1..]).filter(|(_, fd)| is_ready(fd)) {
            let Some(client) = listener.accept_client() else { continue };
            // If it fails, master(8) has reloaded; this client is still ours.
            let _ = child.notify(Status::Taken);
            let _ = serve(client);
            served += 1;
            if child.notify(Status::Available).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

enum Listener {
    Inet(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Inet(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }

    /// A client of either type: that of the socket does not matter to `serve`.
    fn accept(&self) -> io::Result<UnixStream> {
        match self {
            Self::Inet(listener) => Ok(OwnedFd::from(listener.accept()?.0).into()),
            Self::Unix(listener) => Ok(listener.accept()?.0),
        }
    }

    fn accept_client(&self) -> Option<UnixStream> {
        let error = match self.accept() {
            Ok(client) => return Some(client),
            Err(error) => error,
        };
        match error.kind() {
            // All idle children were woken, and another one was faster.
            ErrorKind::WouldBlock
            // The client has gone, or Linux reports an error of its network.
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NotConnected => {}
            // The next process would fare no better, so go on; but slowly.
            _ => {
                log(&format!("accept: {error}"));
                thread::sleep(Duration::from_secs(1));
            }
        }
        None
    }
}

fn serve(mut client: UnixStream) -> io::Result<()> {
    // Some systems hand O_NONBLOCK on from the listener.
    client.set_nonblocking(false)?;
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut buffer = [0; 4096];
    loop {
        match client.read(&mut buffer)? {
            0 => return Ok(()),
            length => client.write_all(&buffer[..length])?,
        }
    }
}
