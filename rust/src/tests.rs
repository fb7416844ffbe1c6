use super::*;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

fn parse(line: &str) -> Result<Options, StartError> {
    Options::parse(line.split(' ').map(OsString::from))
}

/// A child whose status descriptor is this.
fn child(status: File) -> Child {
    let options = parse("child -t inet").unwrap();
    let (listeners, transport) = (Vec::new(), Transport::Inet);
    Child { pid: process::id(), generation: 0o17, status, listeners, transport, options }
}

fn socket() -> (Child, UnixStream) {
    let (ours, masters) = UnixStream::pair().unwrap();
    (child(File::from(OwnedFd::from(ours))), masters)
}

#[test]
fn reads_the_generation_in_octal() {
    let read = |text: &str| generation(Ok(text.into()));
    for (text, number) in [("0", 0), ("17", 15), ("37777777777", u32::MAX)] {
        assert_eq!(read(text).unwrap(), number);
    }
    for text in ["", "8", "-1", " 7", "7 ", "0x7", "40000000000"] {
        let error = read(text).unwrap_err().to_string();
        assert!(
            error.contains(&format!("GENERATION, {text:?}, is not an octal number")),
            "{error}"
        );
    }
    let no_text = VarError::NotUnicode(OsString::from_vec(b"\xff".into()));
    for (error, text) in [(VarError::NotPresent, "not found"), (no_text, "not valid unicode")] {
        let error = generation(Err(error)).unwrap_err().to_string();
        assert!(error.starts_with("GENERATION: ") && error.contains(text), "{error}");
    }
}

#[test]
fn reads_all_that_master_gives() {
    let options = parse("dir/child -t inet").unwrap();
    assert_eq!((&*options.service, options.transport), ("child", Some(Transport::Inet)));
    assert_eq!((options.listeners, options.single), (1, false));
    assert!(!options.chroot && !options.unprivileged);
    assert_eq!((options.verbosity, options.parameters.len(), options.arguments.len()), (0, 0, 0));

    let line = "child -z -n [::1]:25 -t unix-dgram -d -v -u -c -o stress=yes -s 3 -v nobody -v";
    let options = parse(line).unwrap();
    assert_eq!((&*options.service, options.transport), ("[::1]:25", Some(Transport::UnixDgram)));
    assert_eq!((options.listeners, options.single), (3, false));
    assert!(options.chroot && options.unprivileged);
    assert_eq!((options.verbosity, &*options.arguments), (2, &["nobody".into(), "-v".into()][..]));

    assert!(parse("child -l -t fifo").unwrap().single);
    for (name, transport) in
        [("unix", Transport::Unix), ("fifo", Transport::Fifo), ("pass", Transport::Pass)]
    {
        assert_eq!(parse(&format!("child -t {name}")).unwrap().transport, Some(transport));
    }
}

#[test]
fn leaves_the_arguments_of_the_service_alone() {
    for (line, arguments) in [
        ("child -t inet nobody -t unix", &["nobody", "-t", "unix"][..]),
        ("child -t inet -p -u", &["-p", "-u"]),
        ("child -t inet -- -u --", &["-u", "--"]),
        ("child -t inet -vv", &["-vv"]),
    ] {
        let options = parse(line).unwrap();
        assert_eq!(options.arguments, arguments, "{line}");
        assert!(!options.unprivileged && options.transport == Some(Transport::Inet), "{line}");
    }
    let path = OsStr::from_bytes(b"/\xff");
    let line = ["child", "-t", "inet"].map(OsString::from).into_iter().chain([path.into()]);
    assert_eq!(Options::parse(line).unwrap().arguments, [path]);
}

#[test]
fn the_last_value_of_a_parameter_counts() {
    let (mut child, _masters) = socket();
    child.options = parse("child -t inet -o stress= -o name=1 -o name=2=3").unwrap();
    child.options.parameters.push(parameter_with_blanks());
    assert_eq!(child.parameter("stress"), Some(""));
    assert_eq!(child.parameter("name"), Some("2=3"));
    assert_eq!(child.parameter("blanks"), Some("a b"));
    assert_eq!(child.parameter("other"), None);
}

/// `-o { blanks = a b }`, from which master(8) takes the braces.
fn parameter_with_blanks() -> (String, String) {
    let line = ["child", "-t", "inet", "-o", " blanks = a b "].map(OsString::from);
    Options::parse(line.into_iter()).unwrap().parameters.remove(0)
}

#[test]
fn refuses_a_wrong_option() {
    for (line, text) in [
        ("child -t tcp", "option -t tcp: unknown transport"),
        ("child -t INET", "option -t INET: unknown transport"),
        ("child -t inet -s 0", "option -s 0: not a number of sockets"),
        ("child -t inet -s 65536", "option -s 65536: not a number"),
        ("child -t inet -s two", "option -s two: not a number"),
        ("child -t inet -o stress", "option -o stress: not name=value"),
        ("child -t inet -n", "option \"-n\": no value"),
    ] {
        let error = parse(line).unwrap_err().to_string();
        assert!(error.contains(text), "{line}: {error}");
    }
}

#[test]
fn sends_one_message_of_12_bytes() {
    let (child, mut masters) = socket();
    child.notify(Status::Taken).unwrap();
    child.notify(Status::Available).unwrap();
    drop(child);
    let mut sent = Vec::new();
    masters.read_to_end(&mut sent).unwrap();
    let pid = process::id().to_ne_bytes();
    let expected = [0_u32, 1].map(|s| [pid, 15_u32.to_ne_bytes(), s.to_ne_bytes()].concat());
    assert_eq!(sent, expected.concat());
}

#[test]
fn tells_that_master_has_gone() {
    let (child, masters) = socket();
    // It has not read this message.
    child.notify(Status::Taken).unwrap();
    drop(masters);
    for _ in 0..2 {
        assert!(matches!(child.notify(Status::Available), Err(NotifyError::MasterGone)));
    }
    let (read, write) = nix::unistd::pipe().unwrap();
    drop(read);
    let child = self::child(write.into());
    assert!(matches!(child.notify(Status::Available), Err(NotifyError::MasterGone)));
    // The kernel seldom reports it in place of EPIPE, and when cannot be chosen.
    let reset = NotifyError::of(Err(std::io::ErrorKind::ConnectionReset.into()));
    assert!(matches!(reset, NotifyError::MasterGone));
}

#[test]
fn tells_other_errors_apart() {
    let null = PathBuf::from("/dev/null");
    let result = child(File::open(&null).unwrap()).notify(Status::Available);
    let Err(NotifyError::Io(error)) = result else { panic!("{result:?}") };
    assert_eq!(error.raw_os_error(), Some(nix::libc::EBADF));
    assert!(NotifyError::Io(error).to_string().contains("Bad file descriptor"));

    let short = NotifyError::of(Ok(7));
    assert!(matches!(short, NotifyError::Short(7)));
    assert_eq!(short.to_string(), "only 7 of 12 bytes reached master(8)");
}

#[test]
fn writes_nothing_in_a_fork() {
    let (mut child, mut masters) = socket();
    child.pid += 1;
    assert!(matches!(child.notify(Status::Taken), Err(NotifyError::Forked)));
    drop(child);
    assert_eq!(masters.read(&mut [0; 12]).unwrap(), 0);
}

#[test]
fn gives_the_listeners_once() {
    let (mut child, masters) = socket();
    child.listeners.push(masters.into());
    assert_eq!(child.take_listeners().len(), 1);
    assert_eq!(child.take_listeners().len(), 0);
}
