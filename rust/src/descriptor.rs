//! The descriptors that `master(8)` leaves to a child, by number.

use crate::StartError;
use std::ffi::c_int;
use std::fs::File;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;

/// `MASTER_STATUS_FD` of `master_proto.h`.
pub(crate) const STATUS: RawFd = 5;
/// `MASTER_LISTEN_FD`: the first listener.
pub(crate) const LISTEN: RawFd = 6;

// The same on every Unix.
const F_SETFD: c_int = 2;
const FD_CLOEXEC: c_int = 1;

unsafe extern "C" {
    /// In the C library that std is linked with; std has no function for it.
    fn fcntl(fd: RawFd, command: c_int, ...) -> c_int;
}

/// Takes a pipe or a socket, to which alone `master(8)` gives these numbers,
/// and keeps it from the programs that this process starts.
///
/// # Safety
///
/// Nothing else in this process may own the descriptor.
pub(crate) unsafe fn take(number: RawFd) -> Result<File, StartError> {
    // SAFETY: F_SETFD takes an int. fcntl(2) copes with any number, open or not.
    if unsafe { fcntl(number, F_SETFD, FD_CLOEXEC) } == -1 {
        return Err(StartError::by_hand(format!("descriptor {number} is not open")));
    }
    // SAFETY: it is open, or fcntl(2) would have failed, and the caller warrants
    // that nothing else owns it.
    let file = File::from(unsafe { OwnedFd::from_raw_fd(number) });
    match file.metadata().map(|metadata| metadata.file_type()) {
        Ok(kind) if kind.is_fifo() || kind.is_socket() => Ok(file),
        _ => Err(StartError::by_hand(format!("descriptor {number} is not a pipe or socket"))),
    }
}
