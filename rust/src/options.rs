//! The command line that `master(8)` makes of a line in `master.cf`.

use crate::StartError;
use std::ffi::OsString;
use std::num::NonZero;
use std::path::Path;

/// The type of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// TCP: the listeners are a `TcpListener` each.
    Inet,
    /// A Unix-domain stream socket: a `UnixListener`.
    Unix,
    /// A named pipe: a `File`.
    Fifo,
    /// A Unix-domain stream socket, over which each client is passed as a
    /// descriptor.
    Pass,
    /// A Unix-domain datagram socket: a `UnixDatagram`.
    UnixDgram,
}

impl Transport {
    fn named(name: &str) -> Result<Self, StartError> {
        Ok(match name {
            "inet" => Self::Inet,
            "unix" => Self::Unix,
            "fifo" => Self::Fifo,
            "pass" => Self::Pass,
            "unix-dgram" => Self::UnixDgram,
            _ => return Err(StartError::by_hand(format!("option -t {name}: unknown transport"))),
        })
    }
}

/// How many processes a service may have at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessLimit {
    /// One.
    One,
    /// More than one.
    Several,
    /// Any number.
    Unlimited,
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) service: String,
    pub(crate) transport: Transport,
    pub(crate) listeners: NonZero<u16>,
    pub(crate) limit: ProcessLimit,
    pub(crate) chroot: bool,
    pub(crate) unprivileged: bool,
    pub(crate) foreground: bool,
    pub(crate) verbosity: u32,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) arguments: Vec<OsString>,
}

impl Options {
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, StartError> {
        let program = args.next().unwrap_or_default();
        let mut transport = None;
        let mut options = Self {
            // master(8) gives -n only if the service has another name.
            service: Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into(),
            transport: Transport::Inet,
            listeners: NonZero::<u16>::MIN,
            limit: ProcessLimit::Several,
            chroot: false,
            unprivileged: false,
            foreground: false,
            verbosity: 0,
            parameters: Vec::new(),
            arguments: Vec::new(),
        };
        while let Some(option) = args.next() {
            let mut value = || {
                let value = args.next().and_then(|value| value.into_string().ok());
                value.ok_or_else(|| StartError::new(format!("option {option:?}: no value")))
            };
            match option.to_str() {
                Some("-c") => options.chroot = true,
                Some("-d") => options.foreground = true,
                Some("-l") => options.limit = ProcessLimit::One,
                Some("-n") => options.service = value()?,
                Some("-o") => options.parameters.push(parameter(&value()?)?),
                Some("-s") => options.listeners = listeners(&value()?)?,
                Some("-t") => transport = Some(Transport::named(&value()?)?),
                Some("-u") => options.unprivileged = true,
                Some("-v") => options.verbosity += 1,
                Some("-z") => options.limit = ProcessLimit::Unlimited,
                Some("--") => break,
                _ => {
                    options.arguments.push(option);
                    break;
                }
            }
        }
        options.arguments.extend(args);
        options.transport =
            transport.ok_or_else(|| StartError::by_hand("no option -t with a transport"))?;
        Ok(options)
    }
}

fn parameter(text: &str) -> Result<(String, String), StartError> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| StartError::new(format!("option -o {text}: not name=value")))?;
    Ok((name.trim().into(), value.trim().into()))
}

fn listeners(text: &str) -> Result<NonZero<u16>, StartError> {
    text.parse()
        .map_err(|_| StartError::by_hand(format!("option -s {text}: not a number of sockets")))
}
