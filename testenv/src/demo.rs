//! A real Postfix with our object inside delivers mail and reloads.

use crate::instance::{ITS_END, Instance};
use crate::progress::Progress;
use crate::trace::{self, Message, Status};
use crate::{prelude::*, tree};
use std::collections::{HashMap, HashSet};

const MESSAGES: usize = 20;

/// Refuses what the demo cannot run; `name` is what the user called it.
pub fn check_version(source: &Path, name: &str) -> Result<()> {
    let version = tree::version(source)?;
    let numbers = version.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    ensure!(
        numbers.ge([3, 4]),
        "{name} is Postfix {version}. The demo runs Postfix 3.4 or later, the first with a log file \
         of its own (maillog_file); of an older one, build the tree and take the object into it \
         as docs/postfix.md says."
    );
    Ok(())
}

/// Runs the Postfix in `tree` and shows what master and its children say to each
/// other. `keep` is the folder for its log, the trace and the mail.
pub fn run(progress: &mut Progress, tree: &Path, keep: &Path) -> Result<()> {
    // Postfix takes only folders that nobody else may write to.
    let folder = Path::new("/tmp/demo");
    let mut postfix = Instance::create(folder, tree)?;
    let result = show(progress, tree, &mut postfix);
    let (from, to) = (folder.display(), keep.display());
    sh!("rm -rf '{to}'; mkdir '{to}'
        for name in log start.log trace mail; do
            [ ! -e {from}/$name ] || cp -R {from}/$name '{to}'
        done")?;
    result
}

fn show(progress: &mut Progress, tree: &Path, postfix: &mut Instance) -> Result<()> {
    progress.step("verify that the code in each program is ours", || {
        let (sh, object) = (Shell::new()?, artefact("master_proto.o"));
        sh.change_dir(checkout());
        Ok(cmd!(sh, "tools/postfix-object verify {tree} {object}").run()?)
    })?;
    progress.step("start a private instance on 127.0.0.1", || postfix.start_traced())?;
    progress.step(&format!("{MESSAGES} messages over SMTP arrive complete"), || {
        for number in 1..=MESSAGES {
            println!("message {number} of {MESSAGES}");
            postfix.deliver(number)?;
        }
        postfix.arrived(MESSAGES)
    })?;
    progress
        .step("a session is held open over 'postfix reload'", || postfix.reload_in_a_session())?;
    progress.step("stop", || postfix.stop())?;
    let messages = progress.step("every status message is 12 bytes from a live child", || {
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
    progress.say(&tables(&messages, &postfix.log())?)
}

fn tables(messages: &[Message], log: &str) -> Result<String> {
    let mut text = format!(
        "\nStatus messages (written by master_notify to descriptor 5):\n  \
        {:18} {:>6} {:>10}  {:6} write(2)\n",
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
        text += &format!("  {service:18} {pid:>6} {generation:>10}  {status:6} {result}\n");
    }
    text += "\nThe old generation's end, in Postfix's log:\n";
    for line in log.lines().filter(|line| ITS_END.iter().any(|text| line.contains(text))) {
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
