//! Services of one's own under a real master: examples/child.c and many.c on the C
//! original first, the program in master_proto(7), and the claims of docs/services.md.

use crate::ships::man;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;
use tests::instance::{Signal, UID_WRAPPER, is_alive, signal};
use tests::prelude::*;
use tests::trial::{Session, Trial, load, serves, service};

const CC: &str = "cc -O2 -Wall -Wextra -Werror -I include";

#[test]
fn try_says_why_it_cannot_run_a_service() -> Result {
    sandbox(|| {
        script("cc -I include -o $TMPDIR/many examples/many.c build/libmaster_proto.a")?;
        let run = "tests/try.sh $TREES/static";
        refuses("make try SERVICE=", run)?;
        refuses("none is not an executable file", &format!("{run} $TMPDIR/none nobody"))?;
        // 192.0.2.0/24 is for documentation: no machine has it.
        script("mkfifo $TMPDIR/keyboard")?;
        let elsewhere =
            format!("ADDRESS=192.0.2.1:10026 {run} $TMPDIR/many nobody <>$TMPDIR/keyboard");
        let said = refuses("master has ended", &elsewhere)?;
        // Postfix 3.10 does not log the reason.
        let is_logged = sh!("cat {}/.built", tree("static").display())?.starts_with("3.7.");
        let reason = "fatal: bind 192.0.2.1 port 10026: Cannot assign";
        ensure!(!is_logged || said.contains(reason), "{said}");
        let wrong = format!("MAIN_CF=wrong {run} $TMPDIR/many nobody <>$TMPDIR/keyboard");
        let said = refuses("correct MAIN_CF", &wrong)?;
        ensure!(said.contains("line 14: missing '='"), "{said}");
        Ok(())
    })
}

/// Its input ends before master runs; and later a copy of a process still has a session.
#[test]
fn try_leaves_no_process_behind() -> Result {
    sandbox(|| {
        let command = example("many", "")?;
        sh!(
            "for time in 1 2 3; do
                ADDRESS={} timeout -s KILL 20 tests/try.sh $TREES/static {command} </dev/null >/dev/null 2>&1
            done",
            service()
        )?;
        let mut trial = Trial::start(&command, &[])?;
        let mut session = Session::open(service())?;
        session.echo("before")?;
        trial.reload()?;
        session.echo("after")?;
        trial.stop()?;
        ensure!(session.echo("the end").is_err(), "the session goes on");
        Ok(())
    })
}

/// Objects to link, with accept.c around accept(2).
const WRAPPED: &str =
    "tests/postfix/accept.c -Wl,--wrap=accept,--wrap=accept4,--wrap=write build/libmaster_proto.a";

/// `make try`, in a copy of the checkout with what is built.
#[test]
fn guide_leads_to_a_service_that_answers() -> Result {
    sandbox(|| {
        let guide = fs::read_to_string("docs/services.md")?;
        let commands = guide.split("```").nth(1).and_then(|block| block.strip_prefix("sh\n"));
        let commands = commands.context("the guide does not begin with commands")?;
        clone_checkout(&scratch().join("copy"))?;
        script("mkdir $TMPDIR/copy/build; ln -s \"$CHECKOUT\"/build/* $TMPDIR/copy/build")?;
        let mut shell = Command::new("sh");
        shell.args(["-euxc", commands]).current_dir(scratch().join("copy"));
        shell.env("ADDRESS", service().to_string());
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        wait_until(LIMIT, "the service answers", || serves(service()).is_ok())?;
        let mut keys = shell.stdin.take().context("no input")?;
        // Kept open: tail(1) would die if the pipe were closed.
        let mut lines = BufReader::new(shell.stdout.take().context("no output")?).lines();
        keys.write_all(b"\n")?;
        let mut reloads = lines.by_ref().map_while(|line| line.ok());
        let reload = reloads.find(|line| line.contains("reload -- version"));
        ensure!(reload.is_some(), "no reload in the log");
        serves(service())?;
        drop(keys);
        ensure!(shell.wait()?.success(), "it does not stop");
        ensure!(TcpStream::connect(service()).is_err(), "it still answers");
        Ok(())
    })
}

/// Compiles a program of examples/ after an edit by sed, if any, and returns the command
/// of master.cf.
fn example(name: &str, edit: &str) -> Result<String> {
    compile(name, edit, "build/libmaster_proto.a")
}

fn compile(name: &str, edit: &str, objects: &str) -> Result<String> {
    sh!("sed '{edit}' examples/{name}.c >$TMPDIR/{name}.c
        {CC} -I examples -o $TMPDIR/{name} $TMPDIR/{name}.c {objects}
        echo $TMPDIR/{name} nobody")
}

/// Tests a program of examples/ with the C original inside, then with our object.
fn on_both(name: &str, test: impl Fn(&str) -> Result) -> Result {
    sh!(
        "echo 'int msg_verbose; void msg_info(const char *format, ...) {{ (void)format; }}' >$TMPDIR/msg.c"
    )?;
    for objects in ["build/original/original.o $TMPDIR/msg.c", "build/libmaster_proto.a"] {
        test(&compile(name, "", objects)?).with_context(|| format!("{name} with {objects}"))?;
    }
    Ok(())
}

/// The name of the service in master.cf.
fn name() -> String {
    service().to_string()
}

/// A line of /proc/PID/status.
fn status(pid: u32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(":\t"));
    line.unwrap_or_default().trim().to_owned()
}

fn is_not_root(pid: u32) -> Result {
    let nobody = nix::unistd::User::from_name("nobody")?.context("there is no nobody")?;
    let (user, group) = (nobody.uid.to_string(), nobody.gid.to_string());
    for (field, value) in [
        ("Uid", [&*user; 4].join("\t")),
        ("Gid", [&*group; 4].join("\t")),
        ("Groups", group),
        ("CapEff", "0".repeat(16)),
    ] {
        ensure!(status(pid, field) == value, "{field} of {pid}: {}", status(pid, field));
    }
    Ok(())
}

/// 200 clients side by side, each with session after session, 4000 in all.
pub fn loses_no_session_over_eight_reloads(command: &str) -> Result {
    let mut trial = Trial::start(command, &[("PROCESSES", "20")])?;
    let sessions = load(200, service(), |done| {
        for reload in 1..=8 {
            trial.wait_for_sessions(done, reload * 450)?;
            trial.reload()?;
        }
        trial.wait_for_sessions(done, 4000)
    })?;
    println!("{sessions} sessions");
    trial.stop()
}

#[test]
fn child_loses_no_session_over_eight_reloads() -> Result {
    sandbox(|| on_both("child", loses_no_session_over_eight_reloads))
}

#[test]
fn many_loses_no_session_over_eight_reloads() -> Result {
    sandbox(|| on_both("many", loses_no_session_over_eight_reloads))
}

/// The process limit is 1. After the reload, the process of the session no longer counts.
pub fn serves_new_clients_while_a_session_outlives_a_reload(command: &str) -> Result {
    let mut trial = Trial::start(command, &[("PROCESSES", "1")])?;
    let mut session = Session::open(service())?;
    session.echo("before the reload")?;
    let old = trial.only(&name())?;
    trial.reload()?;
    let start = Instant::now();
    serves(service()).context("the new client")?;
    let waited = start.elapsed();
    println!("served within {waited:?}");
    // A fraction of a second, but on a busy machine; a client that waits for the end of
    // the session waits until LIMIT.
    ensure!(waited < LIMIT / 6, "only after {waited:?}");
    trial.gone(old)?;
    session.echo("after the reload")?;
    session.close()?;
    trial.stop()
}

#[test]
fn many_serves_new_clients_while_a_session_outlives_a_reload() -> Result {
    sandbox(|| on_both("many", serves_new_clients_while_a_session_outlives_a_reload))
}

/// A process with a session outlives a reload, and an idle one ends.
pub fn holds_its_session_over_a_reload(command: &str) -> Result {
    let mut trial = Trial::start(command, &[])?;
    let mut session = Session::open(service())?;
    session.echo("before")?;
    let held = trial.only(&name())?;
    let other = || {
        serves(service())?;
        trial.children(&name()).into_iter().find(|&pid| pid != held).context("no other child")
    };
    let idle = other()?;
    trial.reload()?;
    trial.gone(idle)?;
    session.echo("after")?;
    serves(service())?;
    ensure!(is_alive(held), "the session's child has ended");
    session.close()?;
    trial.gone(held)?;
    trial.stop()
}

#[test]
fn child_holds_its_session_over_a_reload() -> Result {
    sandbox(|| on_both("child", holds_its_session_over_a_reload))
}

/// A session whose master got SIGTERM, at which the process that master knows ends at once.
fn session_after_sigterm(command: &str) -> Result<(Trial, Session)> {
    let mut trial = Trial::start(command, &[])?;
    let mut session = Session::open(service())?;
    session.echo("before")?;
    let pid = trial.only(&name())?;
    trial.terminate()?;
    trial.gone(pid)?;
    Ok((trial, session))
}

/// A copy of the process goes on with the session.
pub fn keeps_its_session_at_sigterm(command: &str) -> Result {
    let (_trial, mut session) = session_after_sigterm(command)?;
    session.echo("after")?;
    session.close()
}

#[test]
fn many_keeps_its_session_at_sigterm() -> Result {
    sandbox(|| on_both("many", keeps_its_session_at_sigterm))
}

/// The session ends with the process.
pub fn ends_at_sigterm(command: &str) -> Result {
    let (_trial, mut session) = session_after_sigterm(command)?;
    ensure!(session.echo("after").is_err(), "the session goes on");
    Ok(())
}

#[test]
fn child_ends_at_sigterm() -> Result {
    sandbox(|| on_both("child", ends_at_sigterm))
}

/// master goes on with the processes of other services.
#[test]
fn service_that_leaves_master_cf_gets_sigterm_at_the_reload() -> Result {
    sandbox(|| {
        for (program, survives) in [("many", true), ("child", false)] {
            let other = format!("{}:10027 inet n - n - - {program} nobody", address());
            let mut trial = Trial::start(&example(program, "")?, &[("MASTER_CF", &other)])?;
            let mut session = Session::open(service())?;
            session.echo("before")?;
            let pid = trial.only(&name())?;
            sh!("sed -i '/^{} /d' {}/etc/master.cf", name(), trial.dir.display())?;
            trial.reload()?;
            trial.gone(pid)?;
            ensure!(session.echo("after").is_ok() == survives, "{program}");
            serves((address(), 10027).into())?;
            trial.stop()?;
        }
        Ok(())
    })
}

#[test]
fn child_serves_inet_and_unix_and_two_listeners_and_from_a_chroot() -> Result {
    sandbox(|| serves_all_listeners("child", &example("child", "")?))
}

#[test]
fn many_serves_inet_and_unix_and_two_listeners_and_from_a_chroot() -> Result {
    sandbox(|| serves_all_listeners("many", &example("many", "")?))
}

/// nss_wrapper gives a host name two addresses, uid_wrapper shows the root of a process
/// in a container.
pub fn serves_all_listeners(program: &str, command: &str) -> Result {
    let [_, a, b, c] = address().octets();
    let second = Ipv4Addr::new(127, a & 63, b, c);
    let hosts = scratch().join("hosts");
    fs::write(&hosts, format!("{} two.example\n{second} two.example\n", address()))?;
    let services = format!(
        "two.example:10027 inet n - n - 1 {program} nobody
        {0}:10028 inet n - y - 1 {program} nobody
        {0}:10029 inet n - n - 1 {program} -v nobody
        {program} unix n - n - 1 {program} nobody",
        address()
    )
    .replace("\n        ", "\n");
    let settings = [
        ("MASTER_CF", services.as_str()),
        ("LD_PRELOAD", "libnss_wrapper.so"),
        ("NSS_WRAPPER_HOSTS", &hosts.display().to_string()),
    ];
    let trial = Trial::start(command, &settings)?;
    serves(service())?;
    is_not_root(trial.only(&name())?)?;
    for address in [address(), second] {
        serves((address, 10027).into())?;
    }
    let child = trial.only("two.example:10027")?;
    let arguments = fs::read_to_string(format!("/proc/{child}/cmdline"))?;
    ensure!(arguments.contains("\0-s\x002\0"), "not two listeners: {arguments}");
    serves((address(), 10029).into())?;
    let socket = trial.dir.join("queue/public").join(program);
    ensure!(socket.metadata()?.mode() & 0o7777 == 0o666, "the mode of the socket");
    Session::on(UnixStream::connect(socket)?).echo("one line\n")?;
    trial.stop()?;

    let wrapped = format!("import_environment = MAIL_CONFIG {UID_WRAPPER}");
    let trial = Trial::start(
        command,
        &[("MASTER_CF", &services), ("MAIN_CF", &wrapped), settings[1], settings[2]],
    )?;
    let chrooted = format!("{}:10028", address());
    serves(chrooted.parse()?)?;
    let root = fs::read_link(format!("/proc/{}/root", trial.only(&chrooted)?))?;
    ensure!(root == trial.dir.join("queue"), "its root is {}", root.display());
    trial.stop()
}

/// The process that accepts the first client is stopped as it returns from accept(2).
/// Then master reloads, so that TAKEN cannot be sent.
pub fn serves_when_taken_fails(command: &str, client: fn() -> Result, wanted: &[i32]) -> Result {
    let mut trial = Trial::start(command, &[])?;
    let queue = trial.dir.join("queue");
    fs::write(queue.join("stop"), "")?;
    let client = thread::spawn(client);
    let mut stopped = 0;
    trial.wait("a child is stopped", || {
        stopped = trial.children(&name()).first().copied().unwrap_or(0);
        status(stopped, "State").starts_with('T')
    })?;
    fs::remove_file(queue.join("stop"))?;
    trial.reload()?;
    signal(stopped, Signal::SIGCONT);
    client.join().expect("a thread")?;
    trial.gone(stopped)?;
    let record = fs::read_to_string(queue.join("record"))?;
    let said = wanted.iter().map(|status| format!("says {status}: -1 EPIPE"));
    let is_right =
        record.lines().map(|line| line.split_once(" says").map(|(_, said)| format!("says{said}")));
    ensure!(is_right.eq(said.map(Some)), "{command}:\n{record}");
    ensure!(record.lines().all(|line| line.starts_with(&format!("{stopped} in "))), "{record}");
    trial.stop()
}

#[test]
fn serves_an_accepted_client_when_taken_fails() -> Result {
    sandbox(|| {
        let test = serves_when_taken_fails;
        test(&compile("child", "", WRAPPED)?, || serves(service()), &[0, 1])?;
        // Its process ends after TAKEN, and its copy says nothing.
        test(&compile("many", "", WRAPPED)?, || serves(service()), &[0])?;
        test(&hello(WRAPPED)?, greets, &[0, 1])
    })
}

/// The program in master_proto(7).
fn hello(objects: &str) -> Result<String> {
    fs::write(scratch().join("hello.c"), man::program(&man::by_mandoc("master_proto.7")?)?)?;
    sh!("{CC} -o $TMPDIR/hello $TMPDIR/hello.c {objects}; echo $TMPDIR/hello")
}

fn greets() -> Result {
    let mut greeting = String::new();
    TcpStream::connect(service())?.read_to_string(&mut greeting)?;
    ensure!(greeting == "hello\n", "{greeting}");
    Ok(())
}

pub fn greets_and_ends_at_a_reload_when_idle(command: &str) -> Result {
    let mut trial = Trial::start(command, &[])?;
    greets()?;
    let child = trial.only(&name())?;
    is_not_root(child)?;
    trial.reload()?;
    trial.gone(child)?;
    greets()?;
    trial.stop()
}

#[test]
fn hello_serves_and_ends_at_a_reload_when_idle() -> Result {
    sandbox(|| greets_and_ends_at_a_reload_when_idle(&hello("")?))
}

/// A process ends after three clients, and master starts another.
pub fn ends_after_three_clients(command: &str) -> Result {
    let trial = Trial::start(command, &[("PROCESSES", "1")])?;
    serves(service())?;
    let first = trial.only(&name())?;
    (0..3).try_for_each(|_| serves(service()))?;
    trial.gone(first)?;
    trial.stop()
}

/// A process ends when it is idle, and master starts another.
pub fn ends_when_idle(command: &str) -> Result {
    let trial = Trial::start(command, &[])?;
    serves(service())?;
    trial.wait("it ends", || trial.children(&name()).is_empty())?;
    serves(service())?;
    trial.stop()
}

#[test]
fn examples_end_after_max_use_clients_and_when_idle() -> Result {
    sandbox(|| {
        for program in ["child", "many"] {
            ends_after_three_clients(&example(program, "/MAX_USE/s/1000*/3/")?)?;
            ends_when_idle(&example(program, "/MAX_IDLE/s/100/1/")?)?;
        }
        Ok(())
    })
}

/// A full process says TAKEN, and master starts another.
#[test]
fn many_leaves_further_clients_to_another_process_when_it_is_full() -> Result {
    sandbox(|| {
        let trial =
            Trial::start(&example("many", "/CLIENTS_MAX/s/100/2/")?, &[("PROCESSES", "2")])?;
        let mut held = Vec::new();
        for _ in 0..4 {
            let mut session = Session::open(service())?;
            session.echo("here")?;
            held.push(session);
        }
        ensure!(trial.children(&name()).len() == 2, "{:?}", trial.children(&name()));
        held.into_iter().try_for_each(Session::close)?;
        serves(service())?;
        trial.stop()
    })
}

/// A client that says nothing for too long is cut off, and one that goes on is not.
#[test]
fn many_closes_a_silent_session() -> Result {
    sandbox(|| {
        let trial = Trial::start(&example("many", "/CLIENT_SECONDS/s/300/1/")?, &[])?;
        let mut silent = TcpStream::connect(service())?;
        let mut session = Session::open(service())?;
        let mut rest = String::new();
        thread::scope(|scope| {
            let end = scope.spawn(|| silent.read_to_string(&mut rest));
            while !end.is_finished() {
                session.echo("still here")?;
            }
            session.echo("and after that")
        })?;
        ensure!(rest.is_empty(), "{rest}");
        trial.stop()
    })
}

/// accept(2) fails with EMFILE for a time; the same process serves the client afterwards, and
/// does not spin meanwhile.
pub fn survives_the_errors_of_accept(command: &str) -> Result {
    let trial = Trial::start(command, &[("PROCESSES", "1")])?;
    serves(service())?;
    let pid = trial.only(&name())?;
    let queue = trial.dir.join("queue");
    fs::write(queue.join("full"), "")?;
    let start = Instant::now();
    let mut session = Session::open(service())?;
    let mut failures = 0;
    trial.wait("accept fails, twice", || {
        let record = fs::read_to_string(queue.join("record")).unwrap_or_default();
        failures = record.matches("accept fails").count();
        failures > 1
    })?;
    // Twice as many as with pauses of 10 ms, the shortest of any of these programs.
    let most = 2 + start.elapsed().as_millis() / 5;
    ensure!(failures as u128 <= most, "{failures} failures where {most} are enough: it spins");
    fs::remove_file(queue.join("full"))?;
    session.echo("served after all")?;
    ensure!(trial.only(&name())? == pid, "another process serves");
    trial.stop()
}

#[test]
fn examples_survive_the_errors_of_accept() -> Result {
    sandbox(|| {
        ["child", "many"]
            .iter()
            .try_for_each(|name| survives_the_errors_of_accept(&compile(name, "", WRAPPED)?))
    })
}

#[test]
fn examples_refuse_what_master_does_not_give() -> Result {
    sandbox(|| {
        script("mkfifo $TMPDIR/pipe")?;
        let pipe = "5<>$TMPDIR/pipe 6<>$TMPDIR/pipe";
        for program in ["child", "many"] {
            example(program, "")?;
            for (text, environment, arguments, descriptors) in [
                ("only master(8) starts this program", "", "-t inet nobody", pipe),
                ("GENERATION is not an octal number", "GENERATION=9", "-t inet nobody", pipe),
                ("GENERATION is not an octal number", "GENERATION=", "-t inet nobody", pipe),
                ("descriptor 5 is no socket or pipe", "GENERATION=1", "-t inet nobody", "5>&-"),
                (
                    "descriptor 5 is no socket or pipe",
                    "GENERATION=1",
                    "-t inet nobody",
                    "5>$TMPDIR/file",
                ),
                (
                    "descriptor 6 is no socket or pipe",
                    "GENERATION=1",
                    "-t inet nobody",
                    "5<>$TMPDIR/pipe 6>&-",
                ),
                ("of type inet or unix", "GENERATION=1", "nobody", pipe),
                ("of type inet or unix", "GENERATION=1", "-t pass nobody", pipe),
                ("not a number of listeners", "GENERATION=1", "-t inet -s 101 nobody", pipe),
                ("takes one argument, the user", "GENERATION=1", "-t inet -s 0 nobody", pipe),
                ("takes one argument, the user", "GENERATION=1", "-t inet", pipe),
                ("is unknown, or is root", "GENERATION=1", "-t inet root", pipe),
                ("is unknown, or is root", "GENERATION=1", "-t inet no-such-user", pipe),
                ("does not give", "GENERATION=1", "-t inet -x nobody", pipe),
            ] {
                let said = refuses(
                    text,
                    &format!("{environment} $TMPDIR/{program} {arguments} {descriptors}"),
                )?;
                ensure!(said.lines().count() == 1, "more than one message: {said}");
            }
        }
        Ok(())
    })
}

/// A service that does these steps: steps.c. A client waits for it.
fn steps(steps: &str, settings: &[(&str, &str)]) -> Result<(Trial, TcpStream)> {
    sh!("{CC} -o $TMPDIR/steps tests/postfix/steps.c build/libmaster_proto.a")?;
    let trial = Trial::start(&format!("{}/steps {steps}", scratch().display()), settings)?;
    let client = TcpStream::connect(service())?;
    Ok((trial, client))
}

fn starts(trial: &Trial) -> usize {
    fs::read_to_string(trial.dir.join("queue/starts")).unwrap_or_default().lines().count()
}

const THROTTLED: &str = "steps: bad command startup -- throttling";

/// A failure before AVAIL has followed TAKEN, so also while the first client is served.
#[test]
fn master_throttles_a_service_that_fails_before_it_has_served() -> Result {
    sandbox(|| {
        for (done, said) in
            [("1", "exit status 1"), ("Aw1", "exit status 1"), ("TwK", "killed by signal 9")]
        {
            let (trial, _waits) = steps(done, &[])?;
            trial.wait_log(THROTTLED)?;
            ensure!(trial.log().contains(said), "{}", trial.log());
        }
        let pause = [("MAIN_CF", "service_throttle_time = 3s")];
        let trial = Trial::start(&format!("{}/steps 1", scratch().display()), &pause)?;
        let start = Instant::now();
        let _waits = TcpStream::connect(service())?;
        trial.wait_log(THROTTLED)?;
        trial.wait("it is started again", || starts(&trial) > 1)?;
        // master counts in whole seconds, and the first may be nearly over.
        ensure!(start.elapsed() > Duration::from_secs(2), "after {:?}", start.elapsed());
        Ok(())
    })
}

#[test]
fn master_restarts_a_service_at_once_that_fails_after_it_has_served() -> Result {
    sandbox(|| {
        for (done, said) in [("TAw1", "exit status 1"), ("TAwK", "killed by signal 9")] {
            let (trial, _waits) = steps(done, &[])?;
            trial.wait("it is started again and again", || starts(&trial) > 9)?;
            trial.wait_log(said)?;
            ensure!(!trial.log().contains("throttling"), "{}", trial.log());
        }
        Ok(())
    })
}

#[test]
fn exit_0_without_serving_spins_without_a_word() -> Result {
    sandbox(|| {
        let (trial, _waits) = steps("0", &[])?;
        trial.wait("it is started a hundred times", || starts(&trial) > 99)?;
        ensure!(trial.log().lines().count() == 1, "{}", trial.log());
        trial.stop()
    })
}

#[test]
fn shutdown_of_the_status_descriptor_makes_master_panic() -> Result {
    sandbox(|| {
        let (trial, _waits) = steps("S", &[])?;
        trial.wait_log("panic: master_status_event: read EOF status")?;
        trial.wait("master ends", || !is_alive(trial.master))
    })
}

/// master takes it for idle, and starts no other.
#[test]
fn process_that_never_says_taken_serves_all_clients() -> Result {
    sandbox(|| {
        let (trial, client) = steps("ccc", &[])?;
        let greeting = |mut client: TcpStream| {
            let mut greeting = String::new();
            client.read_to_string(&mut greeting).map(|_| greeting)
        };
        let first = greeting(client)?;
        for _ in 0..2 {
            let next = greeting(TcpStream::connect(service())?)?;
            ensure!(next == first, "{next} is another process than {first}");
        }
        trial.stop()
    })
}

#[test]
fn wakeup_starts_a_service_without_a_client() -> Result {
    sandbox(|| {
        let server: SocketAddr = (address(), 10027).into();
        let line = format!("{server} inet n - n 1 1 child nobody");
        let trial = Trial::start(&example("child", "")?, &[("MASTER_CF", &line)])?;
        trial.wait("a process is started", || !trial.children(&server.to_string()).is_empty())?;
        ensure!(trial.children(&name()).is_empty(), "without a client and without wakeup");
        trial.stop()
    })
}

#[test]
fn syslog_does_not_reach_maillog_file_and_a_datagram_does() -> Result {
    sandbox(|| {
        let command = example("child", "")?.replace("nobody", "root");
        let trial = Trial::start(&command, &[])?;
        let _waits = Session::open(service())?;
        trial.wait_log("child: bad command startup -- throttling")?;
        ensure!(!trial.log().contains("is root"), "{}", trial.log());
        let postlog = UnixDatagram::unbound()?;
        postlog.send_to(b"a line of one's own", trial.dir.join("queue/public/postlog"))?;
        trial.wait_log("a line of one's own")
    })
}

/// The process is still root.
#[test]
fn child_finds_what_the_page_says() -> Result {
    sandbox(|| {
        let server: SocketAddr = (address(), 10027).into();
        let line = format!("{server} inet n n y - 1 steps p");
        let (trial, _waits) = steps("p", &[("MASTER_CF", &line), ("PROCESSES", "0")])?;
        trial.wait("it is started", || starts(&trial) > 0)?;
        let pid = trial.only(&name())?;
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}"));
        let link = |file: &str| fs::read_link(format!("/proc/{pid}/{file}"));

        let arguments = format!("steps -z -n {} -t inet -u p ", service());
        ensure!(read("cmdline")?.replace('\0', " ") == arguments, "{}", read("cmdline")?);
        let _waits = TcpStream::connect(server)?;
        trial.wait("the other is started", || starts(&trial) > 1)?;
        let other =
            fs::read_to_string(format!("/proc/{}/cmdline", trial.only(&server.to_string())?))?;
        ensure!(
            other.replace('\0', " ") == format!("steps -l -n {server} -t inet -c p "),
            "{other}"
        );

        let environment = read("environ")?;
        let mut names: Vec<_> =
            environment.split('\0').filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        // The last two only with maillog_file.
        let wanted = [
            "",
            "GENERATION",
            "LANG",
            "MAIL_CONFIG",
            "MAIL_LOGTAG",
            "POSTLOG_HOSTNAME",
            "POSTLOG_SERVICE",
        ];
        ensure!(names == wanted, "{environment}");

        // Whether it is non-blocking.
        for (fd, kind, blocks) in [
            (0, "/dev/null", true),
            (1, "/dev/null", true),
            (2, "/dev/null", true),
            (3, "pipe:", false),
            (4, "pipe:", false),
            (5, "socket:", true),
            (6, "socket:", false),
        ] {
            let file = link(&format!("fd/{fd}"))?;
            ensure!(file.to_string_lossy().starts_with(kind), "{fd} is {}", file.display());
            let info = read(&format!("fdinfo/{fd}"))?;
            let flags =
                info.lines().find_map(|line| line.strip_prefix("flags:\t")).unwrap_or_default();
            let flags = i32::from_str_radix(flags, 8)?;
            ensure!((flags & nix::fcntl::OFlag::O_NONBLOCK.bits() == 0) == blocks, "{fd}: {info}");
        }
        ensure!(link("fd/7").is_err(), "there is a descriptor 7");

        ensure!(link("cwd")? == trial.dir.join("queue"), "{:?}", link("cwd"));
        ensure!(status(pid, "Umask") == "0077", "{}", status(pid, "Umask"));
        ensure!(status(pid, "Uid").starts_with("0\t0\t"), "{}", status(pid, "Uid"));
        let ignored = u64::from_str_radix(&status(pid, "SigIgn"), 16)?;
        ensure!(ignored & (1 << (Signal::SIGPIPE as u64 - 1)) != 0, "{ignored:x}");
        let limits = read("limits")?;
        let files =
            limits.lines().find(|line| line.starts_with("Max open files")).context("no limit")?;
        let files: Vec<_> = files.split_whitespace().collect();
        ensure!(files[3] == files[4], "{files:?}");
        trial.stop()
    })
}
