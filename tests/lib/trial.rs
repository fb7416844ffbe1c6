//! One service under a real master: what `make try` runs, and load for it.

use crate::instance::{Signal, is_alive, signal};
use crate::prelude::*;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering::Relaxed};
use std::thread;

pub struct Trial {
    script: Child,
    /// Its etc/, queue/ and libexec/.
    pub dir: PathBuf,
    pub master: u32,
}

static TRIALS: AtomicU16 = AtomicU16::new(0);

/// Where the service of the newest trial answers. A process of an older one that is about
/// to die may still hold the listeners that it had.
pub fn service() -> SocketAddr {
    (address(), 20000 + TRIALS.load(Relaxed)).into()
}

impl Trial {
    /// Runs a program, and its arguments, as a service. The settings are variables of
    /// `tests/try.sh`.
    pub fn start(command: &str, settings: &[(&str, &str)]) -> Result<Trial> {
        let main_cf =
            settings.iter().find(|(name, _)| *name == "MAIN_CF").map_or("", |(_, text)| text);
        _ = fs::remove_file(log());
        TRIALS.fetch_add(1, Relaxed);
        let mut script = Command::new("tests/try.sh");
        script.arg(tree("static")).args(command.split(' ')).envs(settings.iter().copied());
        script.env("ADDRESS", service().to_string()).env("LOG", log());
        // As after `postfix start`, and with more backlog than there are clients.
        script.env("MASTER_FLAGS", "");
        script.env("MAIN_CF", format!("default_process_limit = 1000\n{main_cf}"));
        script.stdin(Stdio::piped()).stdout(File::create(scratch().join("try.out"))?);
        let mut trial = Trial { script: script.spawn()?, dir: PathBuf::new(), master: 0 };
        trial.wait_log("daemon started")?;
        trial.dir = sh!("echo $TMPDIR/try.??????")?.into();
        trial.master =
            fs::read_to_string(trial.dir.join("queue/pid/master.pid"))?.trim().parse()?;
        Ok(trial)
    }

    /// Reloads, and waits until master has closed its end of the status descriptors. It does
    /// so in the order of master.cf, where postlogd comes last: the process that was there
    /// ends then, or one that is started afterwards has logged the reload.
    pub fn reload(&mut self) -> Result {
        let postlogd = self.children("postlog");
        let reloads = || self.log().matches("]: reload -- version").count();
        let before = reloads();
        self.script.stdin.as_ref().context("try.sh has no input")?.write_all(b"\n")?;
        self.wait("master reloads", || {
            reloads() > before && !postlogd.iter().any(|&pid| is_alive(pid))
        })
    }

    /// Stops it. master has nothing to complain about.
    pub fn stop(mut self) -> Result {
        drop(self.script.stdin.take());
        let status = self.script.wait()?;
        ensure!(status.success(), "try.sh: {status}");
        let odd = [
            "exit status",
            "killed by",
            "throttling",
            "partial",
            "unknown status",
            "panic",
            "fatal",
        ];
        let log = self.log();
        let line = log.lines().find(|line| odd.iter().any(|text| line.contains(text)));
        ensure!(line.is_none(), "in the log: {line:?}");
        Ok(())
    }

    /// Has master end as `postfix stop` does, and leaves the processes that it does not count.
    pub fn terminate(&mut self) -> Result {
        // Not SIGTERM, at which try.sh would end the processes that are to be left.
        self.script.kill()?;
        signal(self.master, Signal::SIGTERM);
        self.wait("master ends", || !is_alive(self.master))?;
        Ok(fs::remove_dir_all(&self.dir)?)
    }

    /// The processes of the service with this name in master.cf.
    pub fn children(&self, name: &str) -> Vec<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.master);
        let children = fs::read_to_string(children).unwrap_or_default();
        let is_of_service = |pid: &u32| {
            let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            command.contains(&format!("\0-n\0{name}\0"))
        };
        children.split(' ').filter_map(|pid| pid.parse().ok()).filter(is_of_service).collect()
    }

    /// The one process of the service.
    pub fn only(&self, name: &str) -> Result<u32> {
        let children = self.children(name);
        ensure!(children.len() == 1, "the children of {name} should be one: {children:?}");
        Ok(children[0])
    }

    pub fn log(&self) -> String {
        fs::read_to_string(log()).unwrap_or_default()
    }

    pub fn wait_log(&self, text: &str) -> Result {
        self.wait(&format!("'{text}' in the log"), || self.log().contains(text))
    }

    pub fn wait(&self, what: &str, is_so: impl FnMut() -> bool) -> Result {
        wait_until(LIMIT, what, is_so).with_context(|| self.log())
    }

    /// Waits until so many sessions are done.
    pub fn wait_for_sessions(&self, done: &AtomicUsize, number: usize) -> Result {
        self.wait(&format!("{number} sessions"), || done.load(Relaxed) >= number)
    }

    pub fn gone(&self, pid: u32) -> Result {
        self.wait(&format!("{pid} ends"), || !is_alive(pid))
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // Its input ends, and so it does.
        drop(self.script.stdin.take());
        _ = self.script.wait();
    }
}

fn log() -> PathBuf {
    scratch().join("log")
}

/// A client of a service that sends back what it gets.
pub struct Session<S = TcpStream>(S);

impl Session {
    pub fn open(server: SocketAddr) -> Result<Session> {
        let stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Session(stream))
    }

    /// Ends it, and waits until the service has done so.
    pub fn close(mut self) -> Result {
        self.0.shutdown(Shutdown::Write)?;
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest)?;
        ensure!(rest.is_empty(), "the service has sent more than it got: {rest:?}");
        Ok(())
    }
}

impl<S: Read + Write> Session<S> {
    pub fn on(stream: S) -> Session<S> {
        Session(stream)
    }

    pub fn echo(&mut self, text: &str) -> Result {
        let mut answer = vec![0; text.len()];
        self.0.write_all(text.as_bytes())?;
        self.0.read_exact(&mut answer)?;
        ensure!(answer == text.as_bytes(), "{answer:?}");
        Ok(())
    }
}

/// One whole session.
pub fn serves(server: SocketAddr) -> Result {
    let mut session = Session::open(server)?;
    session.echo("one line\n")?;
    session.echo("and another\n")?;
    session.close()
}

/// So many clients at the same time, each with session after session, until the body is
/// done, which gets a counter of sessions. Returns the number of sessions, all complete.
pub fn load(
    clients: usize,
    server: SocketAddr,
    body: impl FnOnce(&AtomicUsize) -> Result,
) -> Result<usize> {
    let (done, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let client = || {
        let mut lost = Vec::new();
        while !is_over.load(Relaxed) {
            match serves(server) {
                Ok(()) => _ = done.fetch_add(1, Relaxed),
                Err(error) => lost.push(format!("{error:#}")),
            }
        }
        lost
    };
    let (result, lost) = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let result = body(&done);
        is_over.store(true, Relaxed);
        let lost = clients.into_iter().flat_map(|client| client.join().expect("a thread"));
        (result, lost.collect::<Vec<_>>())
    });
    result?;
    let done = done.into_inner();
    ensure!(
        lost.is_empty(),
        "{} of {} sessions were lost: {}",
        lost.len(),
        lost.len() + done,
        lost[0]
    );
    Ok(done)
}
