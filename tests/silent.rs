//! In a program without Postfix's `msg_verbose` and `msg_info` the call works.

#[test]
fn call_works_without_msg_symbols() {
    // So that neither socket gets the number; see `alone` in notify.rs.
    // SAFETY: dup2 takes any two numbers; this program has no other test.
    unsafe { libc::dup2(1, master_proto::MASTER_STATUS_FD) };
    let (_reader, writer) = std::os::unix::net::UnixStream::pair().expect("two sockets");
    let fd = std::os::fd::AsRawFd::as_raw_fd(&writer);
    // SAFETY: dup2 takes any two numbers; this program has no other test.
    unsafe { libc::dup2(fd, master_proto::MASTER_STATUS_FD) };
    assert_eq!(master_proto::master_notify(1, 2, 3), 0);
}
