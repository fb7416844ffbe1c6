//! Postfix's logging interface, as far as `master_notify` needs it.
//!
//! `msg_verbose` and `msg_info()` live in Postfix's libpostfix-util. Where it
//! is possible they are weak references: a program without them links and runs,
//! and the call is silent. Rust has no stable weak references, so the assembler
//! lays down a table of two pointers, null where the program has no such symbol.

use core::ffi::{c_char, c_int};
use core::sync::atomic::{AtomicI32, Ordering};

/// `void msg_info(const char *format, ...)`
type MsgInfo = unsafe extern "C" fn(*const c_char, ...);

/// `int msg_verbose`, which other threads and signal handlers may change.
///
/// C writes it without atomics. If another thread does, that is formally a data race,
/// in C as in Rust, and Postfix itself has it, too. This relies on compilers storing an
/// aligned int in one piece; the atomic makes ours read it exactly once, and the old
/// value is as good as the new one.
type MsgVerbose = AtomicI32;
const _: () = assert!(
    size_of::<MsgVerbose>() == size_of::<c_int>()
        && align_of::<MsgVerbose>() == align_of::<c_int>()
);

/// The addresses of the two symbols, where the program has them.
#[repr(C)]
struct References {
    verbose: Option<&'static MsgVerbose>,
    info: Option<MsgInfo>,
}

/// Calls `msg_info`, if the program has both symbols and `msg_verbose` is not
/// zero.
pub(crate) fn log_if_verbose(status: c_int, sent: bool) {
    let references = references();
    let verbose = references.verbose.map_or(0, |verbose| verbose.load(Ordering::Relaxed));
    if verbose == 0 {
        return;
    }
    crate::cold_path();
    if let Some(msg_info) = references.info {
        // %m is the text of `errno`.
        let format = if sent { c"%s: status %d" } else { c"%s: status %d: %m" };
        // SAFETY: msg_info is Postfix's printf-like function. Both formats are
        // NUL-terminated and take a NUL-terminated string and an int.
        unsafe { msg_info(format.as_ptr(), c"master_notify".as_ptr(), status) };
    }
}

// .data.rel.ro: read-only once the dynamic linker has filled it in. The label is
// global since its reader may be compiled into another object, and hidden since
// the table is of no use to others.
#[cfg(weak_msg)]
core::arch::global_asm!(
    ".weak msg_verbose",
    ".weak msg_info",
    ".pushsection .data.rel.ro, \"aw\"",
    ".balign {align}",
    ".globl master_proto_msg",
    ".hidden master_proto_msg",
    "master_proto_msg:",
    ".dc.a msg_verbose",
    ".dc.a msg_info",
    ".popsection",
    align = const align_of::<References>(),
);

#[cfg(weak_msg)]
fn references() -> &'static References {
    // SAFETY: the assembler above defines it: two aligned pointers in the order
    // of `References`, each null or what the linker found. Nothing writes to it
    // once the dynamic linker has filled it in.
    unsafe extern "C" {
        safe static master_proto_msg: References;
    }

    &master_proto_msg
}

#[cfg(not(weak_msg))]
fn references() -> References {
    // SAFETY: these are Postfix's declarations. `MsgVerbose` has the size and the alignment
    // of an int, as is asserted above.
    unsafe extern "C" {
        safe static msg_verbose: MsgVerbose;
        fn msg_info(format: *const c_char, ...);
    }

    References { verbose: Some(&msg_verbose), info: Some(msg_info) }
}
