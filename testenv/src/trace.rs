//! The status messages in what strace has written about a running Postfix:
//! `strace -f -s 64 -x -v -e trace=execve,write`. With `-v` it shows the
//! generation that master has given to a daemon.

use std::collections::HashMap;
use std::path::Path;
use std::{fmt, fs};

use anyhow::{Context, Result};

/// One `write` of a Postfix daemon to descriptor 5.
#[derive(Clone, Debug)]
pub struct Message {
    /// As master.cf calls it.
    pub service: String,
    pub pid: u32,
    /// What master has given it, and what a whole message contains.
    pub generation: u32,
    /// What it has sent of itself.
    pub status: Status,
    /// What `write` returned, in strace's words.
    pub result: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    Taken,
    Avail,
    /// Not one whole `MASTER_STATUS` of this very process.
    Malformed(String),
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Status::Taken => "TAKEN",
            Status::Avail => "AVAIL",
            Status::Malformed(line) => line,
        })
    }
}

/// A daemon, as its `execve` tells.
struct Daemon {
    service: String,
    generation: u32,
    unfinished: Option<String>,
}

/// All status messages in the trace, in the order of the writes.
pub fn read(trace: &Path) -> Result<Vec<Message>> {
    let text =
        fs::read(trace).with_context(|| format!("cannot read the trace {}", trace.display()))?;
    let mut daemons = HashMap::new();
    let mut messages = Vec::new();
    for line in String::from_utf8_lossy(&text).lines() {
        let Some((pid, call)) = line.split_once(' ') else {
            continue;
        };
        let (Ok(pid), call) = (pid.parse::<u32>(), call.trim_start()) else {
            continue;
        };
        if call.starts_with("execve(") {
            match daemon(call) {
                Some(daemon) => daemons.insert(pid, daemon),
                None => daemons.remove(&pid),
            };
            continue;
        }
        let Some(daemon) = daemons.get_mut(&pid) else {
            continue;
        };
        let whole = if let Some(rest) = call.strip_prefix("<... write resumed>") {
            daemon.unfinished.take().map(|first| first + rest)
        } else if let Some(first) = call.strip_suffix("<unfinished ...>") {
            daemon.unfinished = Some(first.trim_end().to_string());
            None
        } else {
            Some(call.to_string())
        };
        if let Some(bytes) = whole.as_deref().and_then(|call| call.strip_prefix("write(5, ")) {
            messages.push(message(pid, daemon, bytes));
        }
    }
    Ok(messages)
}

/// master names the transport with `-t`, and the service with `-n` unless the
/// program has the same name.
fn daemon(execve: &str) -> Option<Daemon> {
    let (arguments, environment) = execve.split_once("], ")?;
    let after = |option: &str| {
        let (_, rest) = arguments.split_once(&format!("\"{option}\", \""))?;
        rest.split('"').next()
    };
    after("-t")?;
    let program = arguments.split('"').nth(1)?.rsplit('/').next()?;
    let (_, generation) = environment.split_once("\"GENERATION=")?;
    let generation = u32::from_str_radix(generation.split('"').next()?, 8).ok()?;
    Some(Daemon {
        service: after("-n").unwrap_or(program).to_string(),
        generation,
        unfinished: None,
    })
}

fn message(pid: u32, daemon: &Daemon, call: &str) -> Message {
    let (bytes, result) = call.rsplit_once(" = ").unwrap_or((call, "?"));
    let status = match fields(bytes) {
        Some([sender, sent, 0]) if (sender, sent) == (pid, daemon.generation) => Status::Taken,
        Some([sender, sent, 1]) if (sender, sent) == (pid, daemon.generation) => Status::Avail,
        _ => Status::Malformed(call.to_string()),
    };
    let (service, generation) = (daemon.service.clone(), daemon.generation);
    Message { service, pid, generation, status, result: result.to_string() }
}

/// The three numbers of `"\x01\x02...", 12)`.
fn fields(bytes: &str) -> Option<[u32; 3]> {
    let (bytes, _) = bytes.strip_prefix("\"\\x")?.split_once("\", 12)")?;
    let bytes: Vec<u8> = bytes
        .split("\\x")
        .map(|byte| u8::from_str_radix(byte, 16))
        .collect::<Result<_, _>>()
        .ok()?;
    let number = |at| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    (bytes.len() == 12).then_some([number(0)?, number(4)?, number(8)?])
}
