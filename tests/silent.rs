//! The call, made from Rust in a program without Postfix's `msg_verbose` and
//! `msg_info`.

use master_proto::*;

/// Written out, since the other tests could not tell a wrong constant that they
/// use from a right one.
#[test]
fn constants_are_those_of_postfix() {
    assert_eq!((MASTER_STAT_TAKEN, MASTER_STAT_AVAIL), (0, 1));
    assert_eq!((MASTER_FLOW_READ, MASTER_FLOW_WRITE), (3, 4));
    assert_eq!((MASTER_STATUS_FD, MASTER_LISTEN_FD), (5, 6));
    assert_eq!(size_of::<MasterStatus>(), 12);
}

// With strong references this program would not link.
#[cfg(weak_msg)]
#[test]
fn call_works_without_msg_symbols() {
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    // So that neither end of the pair gets the number.
    // SAFETY: dup2 takes any two numbers; no other test here uses descriptors.
    unsafe { libc::dup2(1, 5) };
    let (mut reader, writer) = UnixStream::pair().expect("a pair");
    // SAFETY: as above.
    assert_eq!(unsafe { libc::dup2(writer.as_raw_fd(), 5) }, 5);
    // SAFETY: 5 is the pair's writing end.
    assert_eq!(unsafe { master_notify(1, 2, 3) }, 0);
    let mut message = [0; 12];
    reader.read_exact(&mut message).expect("the message");
    assert_eq!(message[..], [1, 2, 3].map(i32::to_ne_bytes).concat());
}
