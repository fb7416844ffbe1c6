//! The status messages in what strace has written about a running Postfix:
//! `strace -f -s 64 -x -v -e trace=execve,write`. With `-v` it shows the
//! generation that master has given to a daemon.

use crate::prelude::*;
use std::collections::HashMap;
use std::{fmt, fs};

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

/// All status messages in the trace, in the order of the writes.
pub fn read(trace: &Path) -> Result<Vec<Message>> {
    let text = fs::read_to_string(trace).with_context(|| format!("{}", trace.display()))?;
    let (mut begun, mut daemons, mut messages) = (HashMap::new(), HashMap::new(), Vec::new());
    for line in text.lines() {
        let (pid, call) = line.split_once(' ').context("a line of strace's has no process")?;
        let (pid, mut call) = (pid.parse()?, call.trim_start().to_owned());
        if let Some(first) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(pid, first.to_owned());
            continue;
        }
        if let Some(rest) = call.strip_prefix("<... ").and_then(|call| call.split_once(" resumed>"))
        {
            call = begun.remove(&pid).unwrap_or_default() + rest.1;
        }
        if call.starts_with("execve(") {
            match daemon(&call) {
                Some(daemon) => daemons.insert(pid, daemon),
                None => daemons.remove(&pid),
            };
        }
        if let (Some(daemon), true) = (daemons.get(&pid), call.starts_with("write(5, ")) {
            messages.push(message(pid, daemon, &call));
        }
    }
    Ok(messages)
}

/// The service and the generation that an `execve` tells. master names the
/// transport with `-t`, and the service with `-n` unless the program has the same
/// name.
fn daemon(execve: &str) -> Option<(String, u32)> {
    let (arguments, environment) = execve.split_once("], ")?;
    let after =
        |text: &str, start: &str| Some(text.split_once(start)?.1.split('"').next()?.to_owned());
    after(arguments, "\"-t\", \"")?;
    let program = arguments.split('"').nth(1)?.rsplit('/').next()?.to_owned();
    let generation = u32::from_str_radix(&after(environment, "\"GENERATION=")?, 8).ok()?;
    Some((after(arguments, "\"-n\", \"").unwrap_or(program), generation))
}

/// The call that sends these numbers as strace shows it, without the result.
fn write_of(numbers: [u32; 3]) -> String {
    let bytes = numbers.map(u32::to_ne_bytes).concat();
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("write(5, \"{}\", 12)", bytes.concat())
}

fn message(pid: u32, (service, generation): &(String, u32), call: &str) -> Message {
    let (sent, result) = call.rsplit_once(" = ").unwrap_or((call, "?"));
    let whole = |status| sent.trim_end() == write_of([pid, *generation, status]);
    let status = if whole(0) {
        Status::Taken
    } else if whole(1) {
        Status::Avail
    } else {
        Status::Malformed(call.to_owned())
    };
    let (service, generation, result) = (service.clone(), *generation, result.to_owned());
    Message { service, pid, generation, status, result }
}
