//! A running Postfix with our object inside does what the stock build does: the
//! same checks on both.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use testenv::instance::{Instance, Signal, is_alive, signal};
use testenv::output;
use testenv::prelude::*;
use testenv::smtp::Session;
use testenv::trace::{self, Status};
use testenv::tree::{self, Kind};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Code {
    C,
    Ours,
}

impl Code {
    /// Of rounds, C has as many as it takes to see that Postfix does it, ours more.
    fn choose<T>(self, c: T, ours: T) -> T {
        if self == Code::C { c } else { ours }
    }
}

type Test = fn(&mut Instance, Code) -> Result<()>;

/// How Postfix is linked is for [`watch`] to see and for what many messages cross;
/// what the faults do to it is the same.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in Kind::BOTH {
        let name = format!("postfix::system::daemons_work_and_complain_as_with_C: {}", kind.name());
        cases.push(Case::new(name, move || all_daemons(kind)).limit(240));
    }
    let tests: [(&str, Kind, Test); 9] = [
        ("each_of_many_messages_arrives_once", Kind::Static, |postfix, code| {
            many_messages(postfix, code.choose(1000, 10000))
        }),
        ("each_of_many_messages_arrives_once", Kind::Shared, |postfix, code| {
            many_messages(postfix, code.choose(500, 1000))
        }),
        ("reloads_under_load_lose_nothing", Kind::Static, reloads_under_load),
        ("killed_deliveries_lose_nothing", Kind::Static, killed_deliveries),
        ("killed_sessions_are_replaced", Kind::Static, killed_sessions),
        ("children_of_a_killed_master_end", Kind::Static, killed_master),
        ("max_use_is_kept", Kind::Static, max_use),
        ("process_limit_is_kept", Kind::Static, process_limit),
        ("queued_mail_outlives_a_restart", Kind::Static, restart_with_mail),
    ];
    for (name, kind, test) in tests {
        for code in [Code::C, Code::Ours] {
            let name = format!("postfix::system::{name}: {}, {code:?}", kind.name());
            let case = Case::new(name, move || {
                let mut postfix = create(kind, code)?;
                postfix.quiet()?;
                test(&mut postfix, code)?;
                end(&mut postfix)
            });
            cases.push(case.limit(300));
        }
    }
    cases
}

fn create(kind: Kind, code: Code) -> Result<Instance> {
    let stock = tree::stock(kind);
    if code == Code::Ours {
        tree::mount_over(&tree::ours(kind), &stock)?;
    }
    let postfix = Instance::create(&scratch().join(format!("{code:?}")), &stock)?;
    testenv::runner::keep_if_failed(&postfix.dir().join("log"))?;
    // What faults stop, goes on soon.
    postfix.postconf(&[
        "service_throttle_time=1s",
        "transport_retry_time=1s",
        "queue_run_delay=1s",
        "minimal_backoff_time=1s",
    ])?;
    Ok(postfix)
}

/// Nobody reads half a message, or one that is not of this protocol, whatever
/// has happened to the senders.
fn end(postfix: &mut Instance) -> Result<()> {
    postfix.stop()?;
    let misunderstood = ["status update (", "unknown status", "fatal: ", "panic: "];
    let log = postfix.log();
    let mut of_master = log.lines().filter(|line| line.contains("/master["));
    let line = of_master.find(|line| misunderstood.iter().any(|text| line.contains(text)));
    ensure!(line.is_none(), "master complains about its children: {line:?}");
    Ok(())
}

/// The recipients of what has arrived: `smtp-source -N` numbers them.
fn recipients(postfix: &Instance) -> Result<HashSet<String>> {
    let recipient = |mail| {
        let mail = fs::read_to_string(mail)?;
        let line = mail.lines().find_map(|line| line.strip_prefix("X-Original-To: "));
        Ok(line.context("a mail without its recipient")?.to_owned())
    };
    postfix.mails().into_iter().map(recipient).collect()
}

/// How often the log has this.
fn count(postfix: &Instance, text: &str) -> usize {
    postfix.log().matches(text).count()
}

fn kill(pid: u32) {
    signal(pid, Signal::SIGKILL);
}

// What all daemons do, watched by strace.

/// Warnings that say something about the moment, not about the code: a clock
/// that was read on both sides of a full second, a daemon that was asked for
/// something while it made place for its successor, and whether scache reads
/// what its client below has sent before it sees that the client has left.
const BY_CHANCE: [&str; 5] = [
    "file system clock is",
    "resetting file time stamps",
    "problem talking to server ",
    "problem talking to service ",
    "unrecognized request: \"none\"",
];

fn complaints(postfix: &Instance) -> Vec<String> {
    let mut complaints = postfix.warnings();
    complaints.retain(|line| !BY_CHANCE.iter().any(|text| line.contains(text)));
    complaints
}

fn all_daemons(kind: Kind) -> Result<()> {
    let by_c = watch(kind, Code::C)?;
    let mut by_ours = watch(kind, Code::Ours)?;
    by_ours.retain(|line| !by_c.contains(line));
    ensure!(by_ours.is_empty(), "the stock build does not complain so: {by_ours:#?}");
    Ok(())
}

/// Returns what the log complains about.
fn watch(kind: Kind, code: Code) -> Result<Vec<String>> {
    let mut postfix = create(kind, code)?;
    postfix.start_traced()?;
    postfix.delivers(20)?;
    postfix.sendmail("pickup")?;
    postfix.wait_mail(21)?;
    Session::open(postfix.postscreen())?.quit()?;
    // They serve other daemons alone; what they make of this client is the same.
    for service in ["scache", "tlsproxy"] {
        // It may have left this client already.
        _ = UnixStream::connect(postfix.queue().join("private").join(service))?
            .write_all(b"request\0none\0\0");
    }
    let word = code.choose("C", "ours");
    let daemons = "smtpd cleanup virtual trivial-rewrite anvil scache pickup qmgr postscreen \
                   tlsproxy postlogd";
    daemons_call(&postfix, word, daemons)?;

    postfix.reload_in_a_session()?;
    postfix.stop()?;
    status_messages(&postfix)?;

    postfix.start()?;
    postfix.delivers(2)?;
    end(&mut postfix)?;
    Ok(complaints(&postfix))
}

/// The running daemons, and these are among them, call this code: "ours" or "C".
/// Those of all five skeletons: single, multi, trigger, event and datagram
/// servers.
pub fn daemons_call(postfix: &Instance, code: &str, wanted: &str) -> Result<()> {
    postfix.wait("all daemons run", || {
        let running = postfix.children().unwrap_or_default();
        wanted.split(' ').all(|name| running.iter().any(|child| child.program == name))
    })?;
    let (sh, queue) = (Shell::new()?, postfix.queue());
    sh.change_dir(checkout());
    let (status, text) = output(&mut cmd!(sh, "tools/postfix-running {queue}").into())?;
    let wanted_status = if code == "ours" { 0 } else { 1 };
    ensure!(status.code() == Some(wanted_status), "postfix-running ended with {status}");
    for name in wanted.split(' ') {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let of_it: Vec<_> = lines.filter(|words| words.get(2) == Some(&name)).collect();
        ensure!(!of_it.is_empty(), "postfix-running does not list {name}");
        ensure!(of_it.iter().all(|words| words[0] == code), "not '{code}': {of_it:?}");
    }
    Ok(())
}

/// Whole, of the process itself, with the generation that master gave it, in
/// turn, and all written.
fn status_messages(postfix: &Instance) -> Result<()> {
    let messages = trace::read(&postfix.trace())?;
    ensure!(messages.len() > 200, "only {} status messages", messages.len());
    let mut last = HashMap::new();
    let mut seen = HashSet::new();
    for message in &messages {
        let turn = match last.insert(message.pid, message.status.clone()) {
            Some(Status::Taken) => Status::Avail,
            _ => Status::Taken,
        };
        ensure!(message.status == turn, "not in turn, {turn} is next: {message:?}");
        seen.insert((message.service.as_str(), message.status.to_string()));
    }
    for service in "127.0.0.1:10025 cleanup virtual rewrite anvil scache pickup qmgr \
                    127.0.0.1:10035 tlsproxy postlog"
        .split_whitespace()
    {
        for status in [Status::Taken, Status::Avail] {
            ensure!(seen.contains(&(service, status.to_string())), "no {status} of {service}");
        }
    }
    Ok(())
}

// Load, limits and faults.

fn many_messages(postfix: &mut Instance, number: usize) -> Result<()> {
    postfix.start()?;
    postfix.smtp_source(number, &["-N", "-s", "20"])?;
    wait_until(Duration::from_secs(300), "all messages are delivered", || postfix.queued() == 0)?;
    let arrived = postfix.mails().len();
    ensure!(arrived == number, "{arrived} of {number} messages arrived");
    ensure!(recipients(postfix)?.len() == number, "some arrived twice");
    let mut complaints = complaints(postfix);
    complaints.retain(|line| !line.starts_with("postfix-script:"));
    ensure!(complaints.is_empty(), "the log complains: {complaints:#?}");
    Ok(())
}

fn reloads_under_load(postfix: &mut Instance, code: Code) -> Result<()> {
    postfix.start()?;
    let enough = AtomicBool::new(false);
    let sent = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut sent = 0;
            while !enough.load(Ordering::Relaxed) {
                postfix.smtp_source(20, &["-s", "5"])?;
                sent += 20;
            }
            testenv::anyhow::Ok(sent)
        });
        let reloads = reloads(postfix, code.choose(3, 8));
        enough.store(true, Ordering::Relaxed);
        let sent = load.join().expect("a thread");
        reloads.and(sent.context("a client was turned away"))
    })?;
    // A reload can take the place of the trigger that qmgr was to get.
    postfix.drain()?;
    let arrived = postfix.mails().len();
    ensure!(arrived == sent, "{arrived} of {sent} messages arrived");
    Ok(())
}

fn reloads(postfix: &Instance, rounds: usize) -> Result<()> {
    postfix.wait_mail(20)?;
    let newest = || {
        let children = postfix.children().unwrap_or_default();
        children.iter().map(|child| child.generation).max().unwrap_or(0)
    };
    let mut last = 0;
    for round in 1..=rounds {
        let before = newest();
        ensure!(before > last, "generation {before} in round {round}, after {last}");
        last = before;
        postfix.reload()?;
        postfix.wait("the children of the old generation end", || {
            let children = postfix.children().unwrap_or_default();
            !children.is_empty() && children.iter().all(|child| child.generation > before)
        })?;
    }
    Ok(())
}

fn max_use(postfix: &mut Instance, _: Code) -> Result<()> {
    postfix.postconf(&["max_use=1"])?;
    postfix.start()?;
    postfix.delivers(20)?;
    postfix.wait("20 clients in the log", || count(postfix, ": connect from") >= 20)?;
    let log = postfix.log();
    let lines = log.lines().filter_map(|line| line.split_once("]: connect from"));
    let mut processes = HashSet::new();
    let mut ids = lines.filter_map(|(head, _)| head.rsplit('[').next());
    let twice = ids.find(|id| !processes.insert(*id));
    ensure!(twice.is_none(), "a process has served two clients: {twice:?}");
    Ok(())
}

fn process_limit(postfix: &mut Instance, _: Code) -> Result<()> {
    postfix.service("127.0.0.1:10025 inet n - n - 2 smtpd")?;
    postfix.start()?;
    let (a, b) = (postfix.hold()?, postfix.hold()?);
    let processes = postfix.pids_of("smtpd")?;
    ensure!(processes.len() == 2, "not two smtpd: {processes:?}");
    let mut c = Session::connect(postfix.smtp())?;
    // For a process too many to answer; whatever the time, there may be none.
    thread::sleep(Duration::from_millis(500));
    ensure!(!c.has_reply()?, "a third client is served");
    a.quit()?;
    c.hear("220").context("the third client")?;
    let after = postfix.pids_of("smtpd")?;
    ensure!(after == processes, "after smtpd {processes:?} came {after:?}");
    b.quit()?;
    c.quit()?;
    postfix.delivers(5)
}

fn restart_with_mail(postfix: &mut Instance, _: Code) -> Result<()> {
    postfix.postconf(&["defer_transports=virtual"])?;
    postfix.start()?;
    postfix.smtp_source(10, &[])?;
    postfix.wait("10 messages are in the queue", || postfix.queued() == 10)?;
    postfix.stop()?;
    postfix.postconf(&["defer_transports="])?;
    postfix.start()?;
    postfix.wait_mail(10)?;
    postfix.wait_empty()?;
    ensure!(postfix.mails().len() == 10, "{} messages instead of 10", postfix.mails().len());
    Ok(())
}

fn killed_sessions(postfix: &mut Instance, _: Code) -> Result<()> {
    postfix.start()?;
    let held = [postfix.hold()?, postfix.hold()?, postfix.hold()?];
    postfix.pids_of("smtpd")?.into_iter().for_each(kill);
    postfix.wait("three deaths in the log", || count(postfix, "killed by signal 9") >= 3)?;
    drop(held);
    postfix.delivers(20)
}

/// Mail that was being delivered may arrive twice then, as Postfix says.
fn killed_deliveries(postfix: &mut Instance, code: Code) -> Result<()> {
    let (number, rounds) = (code.choose(500, 1500), code.choose(2, 5));
    postfix.start()?;
    thread::scope(|scope| {
        let load = scope.spawn(|| postfix.smtp_source(number, &["-N", "-s", "5"]));
        for _ in 0..rounds {
            // There is something to disturb.
            let sent = count(postfix, "status=sent");
            postfix.wait("a delivery", || {
                count(postfix, "status=sent") > sent || load.is_finished()
            })?;
            for program in ["virtual", "trivial-rewrite", "qmgr"] {
                postfix.pids_of(program)?.into_iter().take(1).for_each(kill);
            }
        }
        load.join().expect("a thread")
    })?;
    postfix.wait("the deaths in the log", || count(postfix, "killed by signal 9") >= 3)?;
    postfix.drain()?;
    let arrived = recipients(postfix)?.len();
    ensure!(arrived == number, "{arrived} of {number} messages arrived");
    Ok(())
}

/// The children learn of it from the status pipe.
fn killed_master(postfix: &mut Instance, _: Code) -> Result<()> {
    postfix.start()?;
    postfix.delivers(2)?;
    let children = postfix.children()?;
    kill(postfix.master()?);
    for child in children {
        postfix.wait(&format!("{child:?} ends"), || !is_alive(child.pid))?;
    }
    postfix.start()?;
    postfix.delivers(5)
}
