//! Mail through a Postfix with our object over that through one with its own.

use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::time::SystemTime;

use crate::ratio::{Ratio, by_turns};
use testenv::instance::Instance;
use testenv::prelude::*;
use testenv::tree::{self, Kind};

/// The control is a second server with the C code.
const NAMES: [&str; 2] = ["mail through Postfix: ours over C", "control: C over C"];

/// Messages a second, ours over C, and the control. Three Postfixes run at once,
/// and take messages by turns.
pub fn ratios(rounds: usize, messages: usize) -> Result<Vec<Ratio>> {
    let (ours, stock) = (tree::ours(Kind::Static), tree::stock(Kind::Static));
    let mut servers = [start("ours", &ours)?, start("control", &stock)?, start("C", &stock)?];
    let values = by_turns(rounds, servers.len(), |i| {
        let (network, server) = &servers[i];
        setns(network, CloneFlags::CLONE_NEWNET)?;
        rate(server, messages)
    })?;
    for (network, server) in &mut servers {
        setns(network, CloneFlags::CLONE_NEWNET)?;
        server.stop()?;
    }
    Ratio::of_each(&NAMES, values)
}

/// A quiet instance in a network of its own, since all have the same port.
fn start(name: &str, tree: &Path) -> Result<(File, Instance)> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    sh!("ip link set lo up")?;
    let mut server = Instance::create(&scratch().join(name), tree)?;
    server.quiet()?;
    server.start()?;
    Ok((File::open("/proc/self/ns/net")?, server))
}

/// Messages a second, from the first connection to the time of the last file,
/// which no polling blurs.
fn rate(server: &Instance, messages: usize) -> Result<f64> {
    let start = SystemTime::now();
    server.smtp_source(messages, &["-s", "10", "-l", "2000"])?;
    server.wait_mail(messages)?;
    let mut end = start;
    for mail in server.mails() {
        end = end.max(mail.metadata()?.modified()?);
    }
    server.wait_empty()?;
    server.clear()?;
    Ok(messages as f64 / end.duration_since(start)?.as_secs_f64())
}
