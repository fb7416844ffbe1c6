//! A running Postfix with our object inside does the same as with the C original.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tests::instance::{Instance, Signal, is_alive, signal};
use tests::output;
use tests::prelude::*;
use tests::smtp::Session;
use tests::trace::{self, Status};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Code {
    C,
    Ours,
}

impl Code {
    /// Fewer rounds suffice for the C original: they only show that the test works.
    fn choose<T>(self, c: T, ours: T) -> T {
        if self == Code::C { c } else { ours }
    }
}

/// Runs the same test on the C original first, and then on ours.
fn on_both(kind: &str, test: fn(&mut Instance, Code) -> Result) -> Result {
    sandbox(|| {
        for code in [Code::C, Code::Ours] {
            let mut postfix = create(kind, code)?;
            postfix.quiet()?;
            test(&mut postfix, code)?;
            end(&mut postfix)?;
        }
        Ok(())
    })
}

fn create(kind: &str, code: Code) -> Result<Instance> {
    let tree = tree(&code.choose(kind.to_owned(), format!("ours-{kind}")));
    let postfix = Instance::create(&format!("{code:?}"), &tree)?;
    // Make Postfix recover quickly from injected faults.
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
fn end(postfix: &mut Instance) -> Result {
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
const RACES: [&str; 5] = [
    "file system clock is",
    "resetting file time stamps",
    "problem talking to server ",
    "problem talking to service ",
    "unrecognized request: \"none\"",
];

fn complaints(postfix: &Instance) -> Vec<String> {
    let mut complaints = postfix.warnings();
    complaints.retain(|line| !RACES.iter().any(|text| line.contains(text)));
    complaints
}

fn all_daemons(kind: &str) -> Result {
    sandbox_for(240, || {
        let by_c = watch(kind, Code::C)?;
        let mut by_ours = watch(kind, Code::Ours)?;
        by_ours.retain(|line| !by_c.contains(line));
        ensure!(by_ours.is_empty(), "with the C original the log has no such line: {by_ours:#?}");
        Ok(())
    })
}

#[test]
fn daemons_work_and_complain_as_with_c_in_static_programs() -> Result {
    all_daemons("static")
}

#[test]
fn daemons_work_and_complain_as_with_c_in_a_shared_library() -> Result {
    all_daemons("shared")
}

/// Returns the complaints in the log.
fn watch(kind: &str, code: Code) -> Result<Vec<String>> {
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
pub fn daemons_call(postfix: &Instance, code: &str, wanted: &str) -> Result {
    postfix.wait("all daemons run", || {
        let running = postfix.children().unwrap_or_default();
        wanted.split(' ').all(|name| running.iter().any(|child| child.program == name))
    })?;
    let mut running = Command::new(checkout().join("tools/postfix-running"));
    let (status, text) = output(running.arg(postfix.queue()))?;
    let wanted_status = if code == "ours" { 0 } else { 1 };
    ensure!(status.code() == Some(wanted_status), "postfix-running: {status}");
    for name in wanted.split(' ') {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let of_it: Vec<_> = lines.filter(|words| words.get(2) == Some(&name)).collect();
        ensure!(!of_it.is_empty(), "postfix-running does not list {name}");
        ensure!(of_it.iter().all(|words| words[0] == code), "not '{code}': {of_it:?}");
    }
    Ok(())
}

/// Whole, of the process itself, with the generation that master gave it, in
/// turn, and all written, or refused because master has closed its end.
fn status_messages(postfix: &Instance) -> Result {
    let messages = trace::read(&postfix.trace())?;
    ensure!(messages.len() > 200, "only {} status messages", messages.len());
    let mut last = HashMap::new();
    let mut seen = HashSet::new();
    for message in &messages {
        let turn = match last.insert(message.pid, message.status.clone()) {
            Some(Status::Taken) => Status::Avail,
            _ => Status::Taken,
        };
        let is_closed = ["EPIPE", "ECONNRESET"].iter().any(|name| message.result.contains(name));
        ensure!(message.result == "12" || is_closed, "not written: {message:?}");
        ensure!(message.status == turn, "not in turn, {turn} is next: {message:?}");
        seen.insert((message.service.as_str(), message.status.to_string()));
    }
    let (smtp, postscreen) = (postfix.smtp().to_string(), postfix.postscreen().to_string());
    let others = "cleanup virtual rewrite anvil scache pickup qmgr tlsproxy postlog";
    for service in others.split(' ').chain([&*smtp, &*postscreen]) {
        for status in [Status::Taken, Status::Avail] {
            ensure!(seen.contains(&(service, status.to_string())), "no {status} of {service}");
        }
    }
    Ok(())
}

// Load, limits and faults.

#[test]
fn each_of_10000_messages_arrives_once() -> Result {
    on_both("static", |postfix, code| many_messages(postfix, code.choose(100, 10000)))
}

#[test]
fn each_of_many_messages_arrives_once_by_a_shared_library() -> Result {
    on_both("shared", |postfix, code| many_messages(postfix, code.choose(100, 500)))
}

fn many_messages(postfix: &mut Instance, number: usize) -> Result {
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

#[test]
fn reloads_under_load_lose_nothing() -> Result {
    on_both("static", reloads_under_load)
}

fn reloads_under_load(postfix: &mut Instance, code: Code) -> Result {
    postfix.start()?;
    let enough = AtomicBool::new(false);
    let sent = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut sent = 0;
            while !enough.load(Ordering::Relaxed) {
                postfix.smtp_source(20, &["-s", "5"])?;
                sent += 20;
            }
            tests::anyhow::Ok(sent)
        });
        let reloads = reloads(postfix, code.choose(1, 8));
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

fn reloads(postfix: &Instance, rounds: usize) -> Result {
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

#[test]
fn process_limit_is_kept() -> Result {
    on_both("static", process_limit)
}

fn process_limit(postfix: &mut Instance, _: Code) -> Result {
    postfix.service(&format!("{} inet n - n - 2 smtpd", postfix.smtp()))?;
    postfix.start()?;
    let (a, b) = (postfix.hold()?, postfix.hold()?);
    let processes = postfix.pids_of("smtpd")?;
    ensure!(processes.len() == 2, "not two smtpd: {processes:?}");
    let mut c = Session::connect(postfix.smtp())?;
    // Whatever this client makes master do comes before what the next one does.
    UnixStream::connect(postfix.queue().join("private/tlsproxy"))?;
    postfix.wait("tlsproxy runs", || {
        postfix.pids_of("tlsproxy").is_ok_and(|processes| !processes.is_empty())
    })?;
    ensure!(!c.has_reply()?, "a third client is served");
    a.quit()?;
    c.expect("220").context("the third client")?;
    let after = postfix.pids_of("smtpd")?;
    ensure!(after == processes, "after smtpd {processes:?} came {after:?}");
    b.quit()?;
    c.quit()?;
    postfix.delivers(5)
}

#[test]
fn queued_mail_outlives_a_restart() -> Result {
    on_both("static", restart_with_mail)
}

fn restart_with_mail(postfix: &mut Instance, _: Code) -> Result {
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

#[test]
fn killed_sessions_are_replaced() -> Result {
    on_both("static", killed_sessions)
}

fn killed_sessions(postfix: &mut Instance, _: Code) -> Result {
    postfix.start()?;
    let held = [postfix.hold()?, postfix.hold()?, postfix.hold()?];
    postfix.pids_of("smtpd")?.into_iter().for_each(kill);
    postfix.wait("three deaths in the log", || count(postfix, "killed by signal 9") >= 3)?;
    drop(held);
    postfix.delivers(20)
}

/// Mail that was being delivered may arrive twice then, as Postfix says.
#[test]
fn killed_deliveries_lose_nothing() -> Result {
    on_both("static", killed_deliveries)
}

fn killed_deliveries(postfix: &mut Instance, code: Code) -> Result {
    let (number, rounds) = (code.choose(300, 1000), code.choose(2, 5));
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
#[test]
fn children_of_a_killed_master_end() -> Result {
    on_both("static", killed_master)
}

fn killed_master(postfix: &mut Instance, _: Code) -> Result {
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
