//! # NAME
//!
//! master_proto - how a Postfix child process tells `master(8)` whether it is idle
//!
//! # SYNOPSIS
//!
//! ```c
//! #include <master_proto.h>
//!
//! int master_notify(int pid, unsigned generation, int status);
//! ```
//!
//! # DESCRIPTION
//!
//! `master(8)` shares a status pipe with all children of a service. A child
//! sends [`MASTER_STAT_TAKEN`] before it serves a client and
//! [`MASTER_STAT_AVAIL`] when it can accept the next one. When `master(8)`
//! reloads its configuration it closes its end of the old pipe; the next
//! [`master_notify`] fails, and the child ends.
//!
//! The interface, its names and its values are those of Postfix's
//! `master_proto.c` and `master_proto.h`; so is the message on the wire.
#![cfg_attr(all(feature = "capi", panic = "abort"), no_std)]

mod msg;

use core::ffi::{c_int, c_uint};

/// Status: until further notice, this process cannot accept clients.
pub const MASTER_STAT_TAKEN: c_int = 0;
/// Status: this process is ready to accept clients.
pub const MASTER_STAT_AVAIL: c_int = 1;

/// Descriptor: processes that receive mail read tokens from this pipe.
pub const MASTER_FLOW_READ: c_int = 3;
/// Descriptor: the queue manager, which sends mail, writes tokens to this pipe.
pub const MASTER_FLOW_WRITE: c_int = 4;
/// Descriptor: the status pipe to master(8), shared by all children of a service.
pub const MASTER_STATUS_FD: c_int = 5;
/// Descriptor: the first of the sockets to accept clients on; the others follow it.
pub const MASTER_LISTEN_FD: c_int = 6;

/// One status message: 12 bytes in native byte order, without padding.
#[repr(C)]
pub struct MasterStatus {
    /// offset 0: process ID of the sender
    pub pid: c_int,
    /// offset 4: generation of the sender, the number in GENERATION
    pub r#gen: c_uint,
    /// offset 8: MASTER_STAT_TAKEN or MASTER_STAT_AVAIL
    pub avail: c_int,
}

/// Send one MASTER_STATUS message to MASTER_STATUS_FD, with one write(2).
///
/// pid is the caller's process ID, generation the octal number in the
/// environment variable GENERATION, status is MASTER_STAT_TAKEN or
/// MASTER_STAT_AVAIL. No value is checked.
///
/// Returns 0 when all 12 bytes were written. Returns -1 otherwise, with errno
/// as write(2) left it; after a short write errno is unchanged. There is no
/// retry, not even after EINTR. -1 usually means that master(8) is reloading
/// and has closed the pipe: the caller finishes with the client that it has
/// accepted, if any, and exits. SIGPIPE must be ignored, or it kills the caller.
///
/// If the program contains Postfix's msg_verbose and msg_info(), and
/// msg_verbose is not zero, the call is logged with msg_info(), which may
/// change errno. Thread-safe; async-signal-safe while msg_verbose is zero.
#[cfg_attr(
    any(doc, clippy), // not for the header
    doc = "
# Safety

Descriptor 5 must be the status pipe of `master(8)`, closed, or the caller's to write to: in a
process that `master(8)` did not start, it may be any file that other code has open. If the
program has the symbols `msg_verbose` and `msg_info`, they must be those of Postfix."
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn master_notify(pid: c_int, generation: c_uint, status: c_int) -> c_int {
    const SIZE: usize = size_of::<MasterStatus>();
    let message = MasterStatus { pid, r#gen: generation, avail: status };

    // SAFETY: `message` is SIZE bytes, all of them initialised since the struct
    // has no padding, and it outlives the call. write(2) copes with any
    // descriptor, open or not; the caller answers for what it is.
    let written = unsafe { libc::write(MASTER_STATUS_FD, (&raw const message).cast(), SIZE) };

    // Logging only now: the write has set errno, which the text of a failure
    // shows, and a signal handler may have changed msg_verbose meanwhile.
    let sent = usize::try_from(written) == Ok(SIZE);
    msg::log_if_verbose(status, sent);
    if sent {
        0
    } else {
        cold_path();
        -1
    }
}

/// Marks a path as seldom taken, which keeps the others short: see docs/design.md.
#[cold]
#[inline]
fn cold_path() {}

// Included rather than a module, whose code the compiler may put into another object:
// a linker that takes the code must also take the notes.
#[cfg(elf)]
include!("elf_notes.rs");

/// Nothing in this crate can panic, and the tests check that no artefact
/// refers to panic code. A crate without std must name a handler all the same.
#[cfg(all(feature = "capi", panic = "abort"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
