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

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) service: String,
    pub(crate) transport: Option<Transport>,
    pub(crate) listeners: u16,
    pub(crate) single: bool,
    pub(crate) chroot: bool,
    pub(crate) unprivileged: bool,
    pub(crate) verbosity: u32,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) arguments: Vec<OsString>,
}

impl Options {
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, StartError> {
        let program = args.next().unwrap_or_default();
        let mut options = Self {
            // master(8) gives -n only if the service has another name.
            service: Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into(),
            listeners: 1,
            ..Self::default()
        };
        while let Some(option) = args.next() {
            let mut value = || {
                let value = args.next().and_then(|value| value.into_string().ok());
                value.ok_or_else(|| StartError(format!("option {option:?}: no value")))
            };
            match option.to_str() {
                Some("-c") => options.chroot = true,
                Some("-l") => options.single = true,
                Some("-n") => options.service = value()?,
                Some("-o") => options.parameters.push(parameter(&value()?)?),
                Some("-s") => options.listeners = listeners(&value()?)?,
                Some("-t") => options.transport = Some(transport(&value()?)?),
                Some("-u") => options.unprivileged = true,
                Some("-v") => options.verbosity += 1,
                // master(8) runs in the foreground; any number of processes.
                Some("-d" | "-z") => {}
                Some("--") => break,
                _ => {
                    options.arguments.push(option);
                    break;
                }
            }
        }
        options.arguments.extend(args);
        Ok(options)
    }
}

fn parameter(text: &str) -> Result<(String, String), StartError> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| StartError(format!("option -o {text}: not name=value")))?;
    Ok((name.trim().into(), value.trim().into()))
}

/// Not 0: without `-s` there is one.
fn listeners(text: &str) -> Result<u16, StartError> {
    text.parse()
        .map(NonZero::get)
        .map_err(|_| StartError::by_hand(format!("option -s {text}: not a number of sockets")))
}

fn transport(name: &str) -> Result<Transport, StartError> {
    Ok(match name {
        "inet" => Transport::Inet,
        "unix" => Transport::Unix,
        "fifo" => Transport::Fifo,
        "pass" => Transport::Pass,
        "unix-dgram" => Transport::UnixDgram,
        _ => return Err(StartError::by_hand(format!("option -t {name}: unknown transport"))),
    })
}
