use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind::BrokenPipe, ErrorKind::ConnectionReset};

/// Why this process is no child of `master(8)`: a message for people.
#[derive(Debug)]
pub struct StartError(pub(crate) String);

impl StartError {
    /// The usual reason: the program was not started by `master(8)`.
    pub(crate) fn by_hand(message: impl fmt::Display) -> Self {
        Self(format!("{message}: only Postfix's master(8) can start this program, from master.cf"))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for StartError {}

/// Why `master(8)` was not told.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotifyError {
    /// `master(8)` has reloaded, and closed its end, or is gone (`EPIPE`, or
    /// `ECONNRESET` while this call was waiting): this process must accept no
    /// more clients.
    MasterGone,
    /// Only so many of the 12 bytes were written; `master(8)` logs a warning.
    Short(usize),
    /// This process is a fork of the child, which `master(8)` does not know. It
    /// would ignore the message, so nothing was written.
    Forked,
    /// Any other error of `write(2)`, `Interrupted` and `WouldBlock` among them.
    Io(io::Error),
}

impl NotifyError {
    /// Of a write(2) that has not written all.
    pub(crate) fn of(result: io::Result<usize>) -> Self {
        match result {
            Ok(length) => Self::Short(length),
            Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset) => Self::MasterGone,
            Err(error) => Self::Io(error),
        }
    }
}

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MasterGone => f.write_str("master(8) has closed the status pipe"),
            Self::Short(length) => write!(f, "only {length} of 12 bytes reached master(8)"),
            Self::Forked => f.write_str("master(8) does not know a fork of its child"),
            Self::Io(error) => write!(f, "cannot write to the status pipe of master(8): {error}"),
        }
    }
}

impl Error for NotifyError {}
