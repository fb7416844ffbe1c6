//! Services of one's own under a real master: `examples/child.c`, and the
//! program in master_proto(7).

use crate::ships::man;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;
use testenv::instance::{Child, Instance, Signal, is_alive, signal};
use testenv::prelude::*;
use testenv::trace;
use testenv::tree::{self, Kind};

const SERVICE: &str = "127.0.0.1:10026";

pub fn cases() -> Vec<Case> {
    testenv::cases![
        child_serves_inet_and_unix_and_two_listeners_and_from_a_chroot,
        child_holds_its_session_over_a_reload,
        child_refuses_what_master_does_not_give,
        hello_serves_and_ends_at_a_reload_when_idle,
        serves_an_accepted_client_when_taken_fails for [("child nobody", "one line\n"), ("hello", "")],
    ]
}

/// All daemons of Postfix, and the two programs: master takes every program from
/// one folder.
fn programs() -> Result<PathBuf> {
    let daemons = tree::stock(Kind::Static).join("libexec");
    fs::write("/tmp/hello.c", man::program(&man::by_mandoc("master_proto.7")?)?)?;
    sh!(
        "cp -rs {} /tmp/libexec
        cc='cc -O2 -Wall -Wextra -Werror'
        $cc -I include -o /tmp/libexec/child examples/child.c build/libmaster_proto.a
        $cc -o /tmp/libexec/hello /tmp/hello.c",
        daemons.display()
    )?;
    Ok("/tmp/libexec".into())
}

/// A Postfix with these services; each line is one of master.cf.
fn start(services: &[&str]) -> Result<Instance> {
    let mut postfix = Instance::create(&scratch().join("postfix"), &tree::stock(Kind::Static))?;
    // For a service with two listeners.
    sh!("ip address add 127.0.0.2/32 dev lo")?;
    let folder = format!("daemon_directory={}", programs()?.display());
    postfix.postconf(&[&folder, "inet_interfaces=127.0.0.1, 127.0.0.2"])?;
    services.iter().try_for_each(|line| postfix.service(line))?;
    postfix.start()?;
    // Generations count the children of master. Octal has a meaning from 8 on.
    postfix.delivers(1)?;
    Ok(postfix)
}

/// master has nothing to complain about.
fn end(mut postfix: Instance) -> Result<()> {
    postfix.stop()?;
    let odd =
        ["exit status", "killed by", "throttling", "partial", "unknown status", "panic", "fatal"];
    let log = postfix.log();
    let line = log.lines().find(|line| odd.iter().any(|text| line.contains(text)));
    ensure!(line.is_none(), "in the log: {line:?}");
    Ok(())
}

/// The children of the service.
fn all_of(postfix: &Instance, service: &str) -> Result<Vec<Child>> {
    let mut children = postfix.children()?;
    children.retain(|child| child.command.contains(&format!(" -n {service} -t ")));
    Ok(children)
}

/// The one child of the service, when it waits for a client.
fn only(postfix: &Instance, service: &str) -> Result<Child> {
    let mut children = all_of(postfix, service)?;
    ensure!(children.len() == 1, "the children of {service} should be one: {children:?}");
    let child = children.remove(0);
    postfix.wait("the child is idle", || says(child.pid, "State:", "S (sleeping)"))?;
    Ok(child)
}

/// A line of /proc/PID/status.
fn says(pid: u32, name: &str, value: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.is_some_and(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") == value)
}

fn gone(postfix: &Instance, child: &Child) -> Result<()> {
    postfix.wait(&format!("{child:?} ends"), || !is_alive(child.pid))
}

/// child sends back what a client says; hello greets who says nothing.
fn served(address: &str, text: &str) -> Result<()> {
    answers(TcpStream::connect(address)?.into(), text)
}

fn answers(socket: OwnedFd, text: &str) -> Result<()> {
    let mut stream = UnixStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(text.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let wanted = if text.is_empty() { "hello\n" } else { text };
    ensure!(answer == wanted, "the answer is {answer:?}, not {wanted:?}");
    Ok(())
}

fn not_root(child: &Child) -> Result<()> {
    let nobody = nix::unistd::User::from_name("nobody")?.context("there is no nobody")?;
    let (user, group) = (nobody.uid.to_string(), nobody.gid.to_string());
    for (name, value) in [
        ("Uid:", [&*user; 4].join(" ")),
        ("Gid:", [&*group; 4].join(" ")),
        ("Groups:", group),
        ("CapEff:", "0".repeat(16)),
    ] {
        ensure!(says(child.pid, name, &value), "not {name} {value}: {child:?}");
    }
    Ok(())
}

fn child_serves_inet_and_unix_and_two_listeners_and_from_a_chroot() -> Result<()> {
    let postfix = start(&[
        "127.0.0.1:10026 inet n - n - 10 child nobody",
        "child unix n - n - 10 child nobody",
        "10027 inet n - n - 1 child nobody",
        "127.0.0.1:10028 inet n - y - 10 child nobody",
    ])?;
    served(SERVICE, "one line\n")?;
    answers(UnixStream::connect(postfix.queue().join("public/child"))?.into(), "one line\n")?;

    served("127.0.0.1:10027", "one\n")?;
    served("127.0.0.2:10027", "two\n")?;
    let child = only(&postfix, "10027")?;
    ensure!(child.command.contains(" -s 2 "), "not two listeners: {child:?}");

    served("127.0.0.1:10028", "from the chroot\n")?;
    let child = only(&postfix, "127.0.0.1:10028")?;
    let root = fs::read_link(format!("/proc/{}/root", child.pid))?;
    ensure!(root == postfix.queue(), "its root is {}", root.display());
    not_root(&child)?;
    end(postfix)
}

fn child_holds_its_session_over_a_reload() -> Result<()> {
    let postfix = start(&[&format!("{SERVICE} inet n - n - 10 child nobody")])?;
    let mut session = TcpStream::connect(SERVICE)?;
    session.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut echo = |text: &[u8; 6]| -> Result<()> {
        let mut answer = [0; 6];
        session.write_all(text)?;
        session.read_exact(&mut answer)?;
        ensure!(answer == *text, "{answer:?}");
        Ok(())
    };
    echo(b"before")?;
    let held = all_of(&postfix, SERVICE)?.pop().context("no child")?;
    // Another child is idle when master reloads.
    let other = |text| {
        served(SERVICE, text)?;
        let mut others = all_of(&postfix, SERVICE)?;
        others.retain(|child| child.pid != held.pid);
        others.pop().context("no other child")
    };
    let idle = other("a second client\n")?;
    postfix.reload()?;
    gone(&postfix, &idle)?;
    echo(b"after.")?;
    let next = other("a client of the next generation\n")?;
    ensure!(is_alive(held.pid), "the session's child has ended: {held:?}");
    let generations = [held.generation, idle.generation, next.generation];
    ensure!(generations.is_sorted_by(|a, b| a < b), "the generations: {generations:?}");
    drop(session);
    gone(&postfix, &held)?;
    ensure!(is_alive(next.pid), "{next:?} has ended");
    end(postfix)
}

fn hello_serves_and_ends_at_a_reload_when_idle() -> Result<()> {
    let postfix = start(&[&format!("{SERVICE} inet n - n - 10 hello")])?;
    served(SERVICE, "")?;
    let child = only(&postfix, SERVICE)?;
    not_root(&child)?;
    postfix.reload()?;
    gone(&postfix, &child)?;
    end(postfix)
}

/// The child is stopped as it returns from accept(2); then master reloads, so
/// that TAKEN cannot be sent.
fn serves_an_accepted_client_when_taken_fails(
    &(program, text): &(&str, &'static str),
) -> Result<()> {
    let postfix = start(&[&format!("{SERVICE} inet n - n - 10 {program}")])?;
    served(SERVICE, text)?;
    let child = only(&postfix, SERVICE)?;
    let (pid, trace) = (child.pid, postfix.trace());
    let mut tracer = Command::new("strace")
        .args(["-f", "-qq", "-s", "64", "-x", "-e", "trace=accept,accept4,poll,ppoll,write"])
        .args(["-e", "signal=none", "-e", "inject=accept,accept4:signal=SIGSTOP:when=1"])
        .args(["-p", &pid.to_string(), "-o"])
        .arg(&trace)
        .spawn()
        .context("strace")?;
    postfix.wait("strace watches the child", || !says(pid, "TracerPid:", "0"))?;
    let client = thread::spawn(move || served(SERVICE, text));
    let is_stopped =
        || ["T (stopped)", "t (tracing stop)"].iter().any(|state| says(pid, "State:", state));
    postfix.wait("the child is stopped", is_stopped)?;
    postfix.reload()?;
    signal(pid, Signal::SIGCONT);
    client.join().expect("a thread")?;
    gone(&postfix, &child)?;
    tracer.wait()?;

    let seen = fs::read_to_string(&trace)?;
    println!("{seen}");
    ensure!(child.generation >= 8, "the generation, {}, is the same in octal", child.generation);
    let wanted = [0, 1].map(|status| {
        trace::write_of([pid, child.generation, status]) + " = -1 EPIPE (Broken pipe)"
    });
    let sent = seen.lines().filter_map(|line| Some(&line[line.find("write(5, ")?..]));
    ensure!(sent.eq(&wanted), "it should send these and no others: {wanted:#?}");
    ensure!(seen.trim_end().ends_with(&wanted[1]), "it does not end after its last message");
    end(postfix)
}

fn child_refuses_what_master_does_not_give() -> Result<()> {
    let (sh, child) = (Shell::new()?, programs()?.join("child"));
    let run = |generation: &str, words: &str| {
        cmd!(sh, "{child}").args(words.split(' ')).env("GENERATION", generation)
    };
    let unset = run("", "-t inet nobody").env_remove("GENERATION");
    refuses("only master(8) starts this program", unset)?;
    for (text, generation, words) in [
        ("GENERATION is not an octal number", "9", "-t inet nobody"),
        ("is unknown, or is root", "1", "-t inet root"),
        ("is unknown, or is root", "1", "-t inet no-such-user"),
        ("of type inet or unix", "1", "-t pass nobody"),
        ("the command is: child USER", "1", "-t inet"),
    ] {
        refuses(text, run(generation, words))?;
    }
    Ok(())
}
