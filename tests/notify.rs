//! The call, made from Rust in a program that has Postfix's `msg_verbose` and
//! `msg_info`. The C harnesses say far more; these tests need only cargo, so
//! that mutation testing can run them.

use libc::{c_char, c_int};
use master_proto::{MASTER_STAT_AVAIL, MASTER_STATUS_FD, MasterStatus, master_notify};
use std::ffi::CStr;
use std::fs::File;
use std::io::{Error, Read};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard};

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static msg_verbose: AtomicI32 = AtomicI32::new(0);

static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Not variadic, which stable Rust cannot define, but with the arguments that
/// `master_notify` passes; they arrive alike on the platforms of these tests.
///
/// # Safety
/// Both strings end with NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn msg_info(format: *const c_char, name: *const c_char, status: c_int) {
    let error = Error::last_os_error().raw_os_error();
    // SAFETY: the caller's promise.
    let format = unsafe { CStr::from_ptr(format) };
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    let text = format!("{format:?} {name:?} {status} {error:?}");
    LOG.lock().expect("the log").push(text);
}

/// Descriptor 5 and `msg_verbose` belong to one test at a time. The number is
/// taken at once: a jobserver may have left it as the next free one, and then a
/// file of the test would get it.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(|error| error.into_inner());
    msg_verbose.store(0, Ordering::Relaxed);
    LOG.lock().expect("the log").clear();
    become_status_fd(File::open("/dev/null").expect("/dev/null"));
    guard
}

/// Moves a file to descriptor 5, which may be the one that it has already.
fn become_status_fd(file: impl Into<OwnedFd>) {
    let fd = file.into();
    if fd.as_raw_fd() == MASTER_STATUS_FD {
        _ = fd.into_raw_fd();
        return;
    }
    // SAFETY: dup2 takes any two numbers; `alone` keeps other users away.
    let moved = unsafe { libc::dup2(fd.as_raw_fd(), MASTER_STATUS_FD) };
    assert_eq!(moved, MASTER_STATUS_FD);
}

fn close_status_fd() {
    // SAFETY: closing what `become_status_fd` has opened.
    unsafe { libc::close(MASTER_STATUS_FD) };
}

fn log() -> Vec<String> {
    std::mem::take(&mut *LOG.lock().expect("the log"))
}

#[test]
fn message_is_twelve_bytes_in_native_order() {
    let _guard = alone();
    let (mut reader, writer) = UnixStream::pair().expect("two sockets");
    become_status_fd(writer);
    assert_eq!(master_notify(-2, u32::MAX, MASTER_STAT_AVAIL), 0);
    close_status_fd();
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).expect("the message");
    let fields = [
        (-2_i32).to_ne_bytes(),
        u32::MAX.to_ne_bytes(),
        1_i32.to_ne_bytes(),
    ];
    assert_eq!(bytes, fields.concat());
    assert_eq!(size_of::<MasterStatus>(), bytes.len());
}

#[test]
fn failure_is_minus_one_and_errno() {
    let _guard = alone();
    become_status_fd(File::create("/dev/full").expect("/dev/full"));
    assert_eq!(master_notify(1, 2, 3), -1);
    let error = Error::last_os_error().raw_os_error();
    close_status_fd();
    assert_eq!(error, Some(libc::ENOSPC));
}

/// A pipe's buffer takes 12 bytes whole or not; a file at its size limit takes a part.
#[test]
fn short_write_is_a_failure() {
    let _guard = alone();
    let path = std::env::temp_dir().join(format!("master_proto-{}", std::process::id()));
    let file = File::create(&path).expect("a file");
    std::fs::remove_file(&path).expect("its removal");
    become_status_fd(file.try_clone().expect("a copy"));

    let mut old = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `old` is valid for the call.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &mut old) }, 0);
    let five = libc::rlimit { rlim_cur: 5, ..old };
    // SAFETY: `five` is valid for the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &five) }, 0);
    let result = master_notify(1, 2, 3);
    // SAFETY: `old` is valid for the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &old) }, 0);
    close_status_fd();

    assert_eq!(result, -1);
    assert_eq!(file.metadata().expect("its size").len(), 5);
}

#[test]
fn nothing_is_logged_while_msg_verbose_is_zero() {
    let _guard = alone();
    become_status_fd(File::create("/dev/null").expect("/dev/null"));
    assert_eq!(master_notify(1, 2, 3), 0);
    close_status_fd();
    assert_eq!(master_notify(1, 2, 3), -1);
    assert!(log().is_empty());
}

#[test]
fn each_call_is_logged_while_msg_verbose_is_not_zero() {
    let _guard = alone();
    for verbose in [1, 2, -1] {
        msg_verbose.store(verbose, Ordering::Relaxed);
        become_status_fd(File::create("/dev/null").expect("/dev/null"));
        assert_eq!(master_notify(1, 2, 3), 0);
        close_status_fd();
        assert_eq!(master_notify(1, 2, 3), -1);
        let log = log();
        assert_eq!(log.len(), 2);
        assert!(log[0].starts_with(r#""%s: status %d" "master_notify" 3 "#));
        let failure = format!(
            r#""%s: status %d: %m" "master_notify" 3 Some({})"#,
            libc::EBADF
        );
        assert_eq!(log[1], failure);
    }
}
