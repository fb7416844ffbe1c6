//! Postfix's logging interface, as far as `master_notify` needs it.
//!
//! `msg_verbose` and `msg_info()` live in Postfix's libpostfix-util. Where it
//! is possible they are weak references: a program without them links and runs,
//! and the call is silent. Rust has no stable weak references, so the assembler
//! lays down a table of two pointers, null where the program has no such symbol.

use core::ffi::{c_char, c_int};
use core::sync::atomic::{AtomicI32, Ordering};

/// `void msg_info(const char *format, ...)`
pub(crate) type MsgInfo = unsafe extern "C" fn(*const c_char, ...);

/// `int msg_verbose`, which other threads and signal handlers may change.
type MsgVerbose = AtomicI32;
const _: () = assert!(size_of::<MsgVerbose>() == size_of::<c_int>());

/// `msg_info`, if the program has both symbols and `msg_verbose` is not zero.
pub(crate) fn info_if_verbose() -> Option<MsgInfo> {
    let (verbose, info) = references()?;
    (verbose.load(Ordering::Relaxed) != 0).then_some(info)
}

// .data.rel.ro: read-only once the dynamic linker has filled it in.
#[cfg(weak_msg)]
core::arch::global_asm!(
    ".weak msg_verbose",
    ".weak msg_info",
    ".pushsection .data.rel.ro, \"aw\"",
    ".balign {align}",
    "master_proto_msg:",
    ".dc.a msg_verbose",
    ".dc.a msg_info",
    ".popsection",
    align = const align_of::<Option<MsgInfo>>(),
);

#[cfg(weak_msg)]
fn references() -> Option<(&'static MsgVerbose, MsgInfo)> {
    #[repr(C)]
    struct Table {
        verbose: Option<&'static MsgVerbose>,
        info: Option<MsgInfo>,
    }

    unsafe extern "C" {
        safe static master_proto_msg: Table;
    }

    master_proto_msg.verbose.zip(master_proto_msg.info)
}

#[cfg(not(weak_msg))]
fn references() -> Option<(&'static MsgVerbose, MsgInfo)> {
    unsafe extern "C" {
        safe static msg_verbose: MsgVerbose;
        fn msg_info(format: *const c_char, ...);
    }

    Some((&msg_verbose, msg_info))
}
