//! A real Postfix with our object inside delivers mail and reloads.

use crate::instance::{DISCONNECT, Instance};
use crate::prelude::*;
use crate::trace::{self, Message, Status};
use std::collections::{HashMap, HashSet};
use std::time::Instant;

const MESSAGES: usize = 20;

/// Runs the Postfix in `tree` and prints what master and its children tell each other.
/// Postfix's log, the trace and the mail are copied to `keep`.
pub fn run(tree: &Path, keep: &Path) -> Result {
    let mut postfix = Instance::create("demo", tree)?;
    let result = show(tree, &mut postfix);
    sh!(
        "rm -rf '{to}'; mkdir '{to}'; cd {from}
        for name in log start.log trace mail; do
            [ ! -e $name ] || cp -R $name '{to}'
        done",
        from = postfix.dir().display(),
        to = keep.display()
    )?;
    result
}

/// Does one step, and prints how it went and how long it took.
fn step<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let result = work();
    let word = if result.is_ok() { "ok  " } else { "FAIL" };
    println!("  {word} {title:60} {:4} s", start.elapsed().as_secs());
    result
}

fn show(tree: &Path, postfix: &mut Instance) -> Result {
    step("every program of Postfix contains our code", || {
        sh!("tools/postfix-object verify {} build/master_proto.o", tree.display())
    })?;
    step("a private instance starts on an address of 127.0.0.0/8", || postfix.start_traced())?;
    step(&format!("{MESSAGES} messages over SMTP arrive complete"), || postfix.delivers(MESSAGES))?;
    step("a session is held open over 'postfix reload'", || postfix.reload_in_a_session())?;
    step("it stops", || postfix.stop())?;
    let messages = step("every status message is 12 bytes from a live child", || {
        let messages = trace::read(&postfix.trace())?;
        for message in &messages {
            let whole = !matches!(message.status, Status::Malformed(_));
            ensure!(whole, "not a whole message: {message:?}");
        }
        for status in [Status::Taken, Status::Avail] {
            let sent = messages.iter().any(|message| message.status == status);
            ensure!(sent, "there is no {status}");
        }
        Ok(messages)
    })?;
    println!("{}", tables(&messages, &postfix.log())?);
    Ok(())
}

fn tables(messages: &[Message], log: &str) -> Result<String> {
    let mut text = format!(
        "\nStatus messages (written by master_notify to descriptor 5):\n  \
        {:20} {:>6} {:>10}  {:6} write(2)\n",
        "service", "pid", "generation", "status"
    );
    // postlogd's end is not in the log.
    let is_late =
        |message: &&Message| message.result.contains("EPIPE") && message.service != "postlog";
    let late = messages.iter().find(is_late).context("nothing was written after the reload")?.pid;
    let (of_late, others): (Vec<_>, Vec<_>) =
        messages.iter().partition(|message| message.pid == late);
    // Two of each service, and how the old generation's last child ends.
    let mut shown = HashMap::new();
    let first = others.iter().filter(|message| {
        let times = shown.entry(&message.service).or_insert(0);
        *times += 1;
        *times <= 2
    });
    for message in first.take(10).chain(&of_late[of_late.len().saturating_sub(4)..]) {
        let Message { service, pid, generation, status, result } = message;
        text += &format!("  {service:20} {pid:>6} {generation:>10}  {status:6} {result}\n");
    }
    text += "\nThe old generation's end, in Postfix's log:\n";
    for line in log.lines().filter(|line| DISCONNECT.iter().any(|text| line.contains(text))) {
        text += &format!("  {line}\n");
    }
    let services: HashSet<_> = messages.iter().map(|message| &message.service).collect();
    let logging = messages.iter().filter(|message| message.service == "postlog").count();
    text += &format!(
        "\nSummary: {MESSAGES} of {MESSAGES} messages delivered. {} services sent {} status messages, \
         all of\n12 bytes. Of these, {logging} are postlogd's, which sends two for each line of the log.",
        services.len(),
        messages.len(),
    );
    Ok(text)
}
