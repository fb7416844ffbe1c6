#![doc = include_str!("../README.md")]

mod descriptor;
mod error;
mod options;

pub use error::{NotifyError, StartError};
pub use options::Transport;

use options::Options;
use std::env::{self, VarError};
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a process can accept a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Busy until further notice: for the next client, `master(8)` starts
    /// another process.
    Taken = 0,
    /// Ready for a client. A process is so from its start and need not say it.
    Available = 1,
}

/// This process as a child of `master(8)`: what it was given, and how it
/// reports whether it is busy.
///
/// It can be shared by threads. Dropping it closes the status descriptor.
#[derive(Debug)]
pub struct Child {
    pid: u32,
    generation: u32,
    status: File,
    listeners: Vec<OwnedFd>,
    transport: Transport,
    options: Options,
}

impl Child {
    /// Takes over what `master(8)` left in the environment, in the arguments
    /// and in the descriptors 5, 6 and so on.
    ///
    /// Only the first call in a process can succeed. None of the descriptors
    /// is inherited by the programs that this process starts.
    ///
    /// # Safety
    ///
    /// Nothing else in this process may own the descriptors 5, 6 and so on, or
    /// use their numbers later. Both hold if this call comes first in `main`,
    /// in whatever way the process was started.
    ///
    /// # Errors
    ///
    /// The process was not started by `master(8)`, or `master.cf` has an option
    /// in a wrong form. The error is a message for the log or for standard
    /// error; the process should then exit with a status other than 0.
    pub unsafe fn from_env() -> Result<Self, StartError> {
        static CALLED: AtomicBool = AtomicBool::new(false);
        if CALLED.swap(true, Ordering::Relaxed) {
            return Err(StartError("the descriptors from master(8) can be taken only once".into()));
        }
        let generation = generation(env::var("GENERATION"))?;
        let options = Options::parse(env::args_os())?;
        let transport = options.transport.ok_or_else(|| StartError::by_hand("no option -t"))?;
        // SAFETY: the caller warrants that this process has no other owner of it.
        let status = unsafe { descriptor::take(descriptor::STATUS) }?;
        let listeners = (descriptor::LISTEN..)
            .take(options.listeners.into())
            // SAFETY: as above; each number occurs once.
            .map(|number| unsafe { descriptor::take(number) }.map(OwnedFd::from))
            .collect::<Result<_, _>>()?;
        Ok(Self { pid: process::id(), generation, status, listeners, transport, options })
    }

    /// Tells `master(8)` that this process is busy, or no longer is.
    ///
    /// This is one `write(2)` of 12 bytes, without a retry, so that threads
    /// need no lock for it. Report [`Status::Taken`] when a client was accepted
    /// and serve the client even if that fails; report [`Status::Available`]
    /// when it has been served, and exit if that fails.
    ///
    /// # Errors
    ///
    /// [`NotifyError::MasterGone`] after a reload or the end of `master(8)`.
    /// [`NotifyError::Forked`] in a fork of the process. [`NotifyError::Short`]
    /// and [`NotifyError::Io`] for all else that `write(2)` can do.
    pub fn notify(&self, status: Status) -> Result<(), NotifyError> {
        if process::id() != self.pid {
            return Err(NotifyError::Forked);
        }
        // MASTER_STATUS of master_proto.h, in native byte order.
        let message = [self.pid, self.generation, status as u32].map(u32::to_ne_bytes);
        let message = message.as_flattened();
        match (&self.status).write(message) {
            Ok(length) if length == message.len() => Ok(()),
            result => Err(NotifyError::of(result)),
        }
    }

    /// The status descriptor, to wait for in an event loop.
    ///
    /// When it becomes readable or hangs up, `master(8)` has reloaded or is
    /// gone: accept no more clients, and exit when the last one is served.
    /// Nothing can be read from it. Wait only: bytes of other kinds confuse
    /// `master(8)`, and `shutdown(2)` makes it panic, which ends Postfix.
    #[must_use]
    pub fn status_fd(&self) -> BorrowedFd<'_> {
        self.status.as_fd()
    }

    /// The sockets to accept clients on, at least one. A second call returns none.
    ///
    /// They do not block, and all children of the service share them: another
    /// child may be faster. The [`transport`](Self::transport) tells what to
    /// make of them, for example with `TcpListener::from`.
    #[must_use]
    pub fn take_listeners(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.listeners)
    }

    /// The type of the service, the second column of `master.cf`.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The name of the service, the first column of `master.cf`: for type `inet`
    /// this is `host:port`, or the port alone.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.options.service
    }

    /// Whether `master.cf` wants this process to give up the privileges of root
    /// (column `unpriv`). To do so is the task of the process.
    #[must_use]
    pub fn wants_unprivileged(&self) -> bool {
        self.options.unprivileged
    }

    /// Whether `master.cf` wants this process to change its root directory
    /// (column `chroot`) to the current one, which is the queue directory.
    /// To do so is the task of the process.
    #[must_use]
    pub fn wants_chroot(&self) -> bool {
        self.options.chroot
    }

    /// Whether `master(8)` starts only one process of this service at a time
    /// (column `maxproc` is 1).
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.options.single
    }

    /// How often the option `-v` was given, by `master(8)` or in `master.cf`.
    #[must_use]
    pub fn verbosity(&self) -> u32 {
        self.options.verbosity
    }

    /// The value of a parameter that `-o name=value` sets, in `master.cf` or by
    /// `master(8)`, which sets `stress` to `yes` when all processes of a public
    /// service are busy.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut set = self.options.parameters.iter().rev();
        set.find_map(|(key, value)| (key == name).then_some(&**value))
    }

    /// The arguments in `master.cf`, without options that are also options of
    /// `master(8)`.
    ///
    /// They begin after `--`, or with the first argument that is not such an
    /// option: one of `-c`, `-d`, `-l`, `-u`, `-v`, `-z`, and `-n`, `-o`, `-s`,
    /// `-t` with a value.
    #[must_use]
    pub fn arguments(&self) -> &[OsString] {
        &self.options.arguments
    }
}

/// The octal number in the environment.
fn generation(text: Result<String, VarError>) -> Result<u32, StartError> {
    let text = text.map_err(|error| StartError::by_hand(format!("GENERATION: {error}")))?;
    u32::from_str_radix(&text, 8)
        .map_err(|_| StartError::by_hand(format!("GENERATION, {text:?}, is not an octal number")))
}

#[cfg(test)]
mod tests;
