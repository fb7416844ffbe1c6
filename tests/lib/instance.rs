//! A private Postfix: all of it in one directory of the sandbox, on an address of
//! its own, with programs from a tree that is only read.

use crate::smtp::Session;
use crate::{output, prelude::*};
use nix::errno::Errno;
pub use nix::sys::signal::Signal;
use nix::sys::signal::killpg;
use nix::unistd::{Pid, User, chown};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::process::{self, Command, Stdio};
use std::time::SystemTime;

/// The last log lines of a child after a reload: the result of `write`, and what the
/// child makes of it.
pub const DISCONNECT: [&str; 2] =
    ["master_notify: status 1: Broken pipe", "master disconnect -- exiting"];
const SENDER: &str = "sender@mail.example";
const INBOX: &str = "inbox@mail.example";
/// Accounts that every Linux has stand for postfix and postdrop.
const OWNER: &str = "daemon";
const GROUP: &str = "bin";
/// With it daemons only believe that they change their user. In a container, root may
/// neither trace a process of another user nor look at its memory map.
pub const UID_WRAPPER: &str = "LD_PRELOAD=libuid_wrapper.so UID_WRAPPER=1 UID_WRAPPER_ROOT=1";

pub struct Instance {
    dir: PathBuf,
    commands: PathBuf,
    /// For programs whose libraries are not where they look for them.
    library_path: String,
    /// `postfix start`, or the tracer, which lives as long as what it traces.
    starter: Option<process::Child>,
}

#[derive(Debug)]
pub struct Child {
    pub pid: u32,
    /// The number that master has put into its environment, or 0 where that cannot be
    /// read: for a child that has really changed its user, in a container.
    pub generation: u32,
    pub program: String,
    /// The whole command line.
    pub command: String,
}

impl Instance {
    /// A configuration in a new directory of that name for the Postfix in `tree`: a built
    /// source tree, or an unpacked package of Debian.
    pub fn create(name: &str, tree: &Path) -> Result<Instance> {
        let dir = scratch().join(name);
        let is_package = tree.join("usr/sbin/postfix").exists();
        let (daemons, commands, libraries) = if is_package {
            ("usr/lib/postfix/sbin", "usr/sbin", "usr/lib/postfix")
        } else {
            ("libexec", "bin", "lib")
        };
        let (mut meta, mut library_path) = ("conf".to_owned(), String::new());
        let mut shlib = "no".to_owned();
        if is_package {
            meta = sh!(
                "cd {}; dirname \"$(find . -name postfix-files | head -n 1)\"",
                tree.display()
            )?;
            library_path =
                sh!("printf %s: {0}/usr/lib/*-linux-* {0}/lib/*-linux-*", tree.display())?;
        }
        if tree.join(libraries).join("libpostfix-util.so").exists() {
            shlib = tree.join(libraries).display().to_string();
            library_path += &shlib;
        }
        let owner = User::from_name(OWNER)?.context("this system has no user daemon")?;
        for directory in ["etc", "queue", "data", "mail"] {
            fs::create_dir_all(dir.join(directory))?;
        }
        for directory in ["data", "mail"] {
            chown(&dir.join(directory), Some(owner.uid), None)?;
        }
        let main = format!(
            "compatibility_level = 2
queue_directory = {dir}/queue
data_directory = {dir}/data
daemon_directory = {tree}/{daemons}
command_directory = {tree}/{commands}
meta_directory = {tree}/{meta}
shlib_directory = {shlib}
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME LD_LIBRARY_PATH={library_path} {UID_WRAPPER}
export_environment = MAIL_CONFIG LD_LIBRARY_PATH={library_path}
mail_owner = {OWNER}
setgid_group = {GROUP}
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = host.example
mydestination =
local_recipient_maps =
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_client_event_limit_exceptions =
postscreen_cache_map =
virtual_mailbox_domains = mail.example
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = static:inbox/
virtual_minimum_uid = {uid}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
",
            dir = dir.display(),
            tree = tree.display(),
            uid = owner.uid,
            gid = owner.gid,
        );
        fs::write(dir.join("etc/main.cf"), main)?;
        fs::write(dir.join("etc/master.cf"), MASTER_CF.replace("ADDRESS", &address().to_string()))?;
        Ok(Instance { dir, commands: tree.join(commands), library_path, starter: None })
    }

    /// Lets daemons really change their user.
    pub fn change_users(&self) -> Result {
        let (_, imported) = output(&mut self.command("postconf", &["-h", "import_environment"]))?;
        self.postconf(&[&format!(
            "import_environment={}",
            imported.trim().replace(UID_WRAPPER, "")
        )])
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn queue(&self) -> PathBuf {
        self.dir.join("queue")
    }

    /// Where smtpd answers.
    pub fn smtp(&self) -> SocketAddr {
        (address(), 10025).into()
    }

    /// Where postscreen answers.
    pub fn postscreen(&self) -> SocketAddr {
        (address(), 10035).into()
    }

    /// Changes main.cf: `NAME=VALUE`.
    pub fn postconf(&self, settings: &[&str]) -> Result {
        self.run("postconf", &[&["-e"], settings].concat())
    }

    /// Adds or replaces a line of master.cf.
    pub fn service(&self, line: &str) -> Result {
        let mut words = line.split_whitespace();
        let (name, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        self.run("postconf", &["-M", "-e", &format!("{name}/{kind}={line}")])
    }

    /// Lets smtpd log no more than in real life, for load.
    pub fn quiet(&self) -> Result {
        self.service(&format!("{} inet n - n - - smtpd", self.smtp()))
    }

    /// Starts it, and waits until it answers.
    pub fn start(&mut self) -> Result {
        self.start_by(&[])
    }

    /// Starts it under strace, which writes [`Instance::trace`].
    pub fn start_traced(&mut self) -> Result {
        let trace = self.trace().display().to_string();
        let strace = "strace -f -qq --seccomp-bpf -s 64 -x -v -e trace=execve,write -e signal=none";
        self.start_by(&[&strace.split(' ').collect::<Vec<_>>()[..], &["-o", &trace]].concat())
    }

    /// What strace has seen.
    pub fn trace(&self) -> PathBuf {
        self.dir.join("trace")
    }

    /// Starts it by what env(1) takes: `NAME=VALUE`, or another command.
    pub fn start_by(&mut self, words: &[&str]) -> Result {
        // Not every version of Postfix says so.
        drop(TcpListener::bind(self.smtp()).with_context(|| format!("{} is taken", self.smtp()))?);
        // Backdate main.cf: Postfix waits until it has been unmodified for two seconds.
        let main = File::options().write(true).open(self.dir.join("etc/main.cf"))?;
        main.set_modified(SystemTime::now() - Duration::from_secs(10))?;
        let said = File::create(self.dir.join("start.log"))?;
        let mut starter = Command::new("env")
            .args(words)
            .arg(self.commands.join("postfix"))
            .arg("-c")
            .arg(self.dir.join("etc"))
            .arg("start")
            .env("LD_LIBRARY_PATH", &self.library_path)
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()?;
        let mut failed = None;
        self.wait("Postfix answers", || {
            let ended = starter.try_wait().ok().flatten();
            failed = ended.filter(|status| !status.success());
            failed.is_some() || Session::open(self.smtp()).and_then(Session::quit).is_ok()
        })?;
        self.starter = Some(starter);
        match failed {
            Some(status) => bail!("'postfix start' failed ({status}).\n{}", self.last_words()),
            None => Ok(()),
        }
    }

    /// Reloads and waits until master has closed the old children's status pipes. `postfix
    /// reload` only sends a signal, so this takes a moment. The pipe of a child that has
    /// really changed its user cannot be seen in a container.
    pub fn reload(&self) -> Result {
        let master = self.master()?;
        // Descriptor 5 is something else between fork and exec.
        let is_daemon = |child: &u32| link(*child, "exe") != link(master, "exe");
        let daemons = children(master).into_iter().filter(is_daemon);
        let pipes: Vec<_> = daemons.filter_map(|child| link(child, "fd/5")).collect();
        self.run("postfix", &["reload"])?;
        self.wait("master closes the status pipes of the old generation", || {
            let open = fs::read_dir(format!("/proc/{master}/fd")).into_iter().flatten().flatten();
            let open: Vec<_> = open.filter_map(|fd| fs::read_link(fd.path()).ok()).collect();
            !open.is_empty() && !pipes.iter().any(|pipe| open.contains(pipe))
        })
    }

    /// Stops it, and waits for the end of master, of its daemons, which end after it
    /// and until then keep their sockets open, and of the tracer.
    pub fn stop(&mut self) -> Result {
        let master = self.master()?;
        self.run("postfix", &["stop"])?;
        let mut starter = self.starter.take();
        let group = Pid::from_raw(i32::try_from(master)?);
        self.wait("master and its daemons end, and what has started them", || {
            let has_ended =
                |starter: &mut process::Child| matches!(starter.try_wait(), Ok(Some(_)));
            killpg(group, None) == Err(Errno::ESRCH) && starter.as_mut().is_none_or(has_ended)
        })
    }

    /// The shell command that runs a program of this Postfix.
    pub fn program(&self, name: &str) -> String {
        format!("LD_LIBRARY_PATH={} {}/{name}", self.library_path, self.commands.display())
    }

    /// A command of this Postfix.
    pub fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.commands.join(name));
        command.arg(if name == "sendmail" { "-C" } else { "-c" }).arg(self.dir.join("etc"));
        command.args(arguments).env("LD_LIBRARY_PATH", &self.library_path).stdin(Stdio::null());
        command
    }

    /// Runs a command of this Postfix, which must succeed.
    fn run(&self, name: &str, arguments: &[&str]) -> Result {
        let (status, said) = output(&mut self.command(name, arguments))?;
        ensure!(status.success(), "{name} failed ({status}): {said}\n{}", self.last_words());
        Ok(())
    }

    /// Different messages, each in its own session, arrive complete.
    pub fn delivers(&self, number: usize) -> Result {
        self.clear()?;
        (1..=number).try_for_each(|number| self.deliver(number))?;
        self.arrived(number)
    }

    /// All messages up to this one of [`Instance::deliver`] are in the mailbox,
    /// each once, complete, and the queue is empty.
    fn arrived(&self, number: usize) -> Result {
        self.wait_mail(number)?;
        let mut missing: BTreeSet<usize> = (1..=number).collect();
        for file in self.mails() {
            let mail = fs::read_to_string(&file)?;
            let found =
                mail.lines().find_map(|line| line.strip_prefix("Subject: message ")?.parse().ok());
            let Some(found) = found else { continue };
            ensure!(missing.remove(&found), "message {found} arrived twice, or was never sent");
            let whole = body(&mail) == body(&message(found));
            ensure!(whole, "message {found} arrived damaged:\n{mail}");
        }
        ensure!(missing.is_empty(), "these of {number} messages did not arrive: {missing:?}");
        self.wait_empty()
    }

    /// Hands in the message of this number over SMTP.
    fn deliver(&self, number: usize) -> Result {
        let send = || {
            let mut session = Session::open(self.smtp())?;
            session.send(SENDER, INBOX, &message(number))?;
            session.quit()
        };
        send().with_context(|| format!("message {number} was not taken.\n{}", self.last_words()))
    }

    /// One message through sendmail(1) and pickup(8).
    pub fn sendmail(&self, text: &str) -> Result {
        let mail = scratch().join("mail");
        fs::write(&mail, format!("Subject: {text}\n\n{text}\n"))?;
        let mut sendmail = self.command("sendmail", &["-f", SENDER, INBOX]);
        let status = sendmail.stdin(File::open(mail)?).status()?;
        ensure!(status.success(), "sendmail failed: {status}");
        Ok(())
    }

    /// Load by smtp-source of this Postfix, which must not fail.
    pub fn smtp_source(&self, messages: usize, options: &[&str]) -> Result {
        let (number, server) = (messages.to_string(), self.smtp().to_string());
        let mut load = Command::new(self.commands.join("smtp-source"));
        load.args(["-f", SENDER, "-t", INBOX]).args(options).args(["-m", &number, &server]);
        let (status, _) = output(load.env("LD_LIBRARY_PATH", &self.library_path))?;
        ensure!(status.success(), "smtp-source failed: {status}");
        Ok(())
    }

    /// A session that is open, and whose greeting has come.
    pub fn hold(&self) -> Result<Session> {
        Session::open(self.smtp()).with_context(|| self.last_words())
    }

    /// Reloads while a session is open, whose child then cannot reach master.
    pub fn reload_in_a_session(&self) -> Result {
        let held = self.hold()?;
        self.reload()?;
        held.quit()?;
        DISCONNECT.iter().try_for_each(|text| self.wait_log(text))
    }

    /// The messages in the mailbox.
    pub fn mails(&self) -> Vec<PathBuf> {
        files(&self.dir.join("mail/inbox/new"))
    }

    /// Empties the mailbox.
    pub fn clear(&self) -> Result {
        Ok(self.mails().iter().try_for_each(fs::remove_file)?)
    }

    /// Waits until so many messages are in the mailbox.
    pub fn wait_mail(&self, number: usize) -> Result {
        self.wait(&format!("{number} messages are delivered"), || self.mails().len() >= number)
    }

    /// How many messages are in the queue.
    pub fn queued(&self) -> usize {
        let queues = ["incoming", "active", "deferred", "maildrop", "hold", "corrupt"];
        queues.iter().map(|queue| files(&self.queue().join(queue)).len()).sum()
    }

    /// Waits for an empty queue.
    pub fn wait_empty(&self) -> Result {
        self.wait("the queue becomes empty", || self.queued() == 0)
    }

    /// Waits for an empty queue, which is flushed each second: what had to wait when
    /// a daemon was reloaded or killed gets its next attempt at once.
    pub fn drain(&self) -> Result {
        self.wait("the queue becomes empty", || {
            if self.queued() > 0 {
                std::thread::sleep(Duration::from_secs(1));
                // The next attempt is soon, if this one fails.
                _ = self.run("postfix", &["flush"]);
            }
            self.queued() == 0
        })
    }

    pub fn master(&self) -> Result<u32> {
        let file = self.queue().join("pid/master.pid");
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        text.trim().parse().with_context(|| format!("{} has no process number", file.display()))
    }

    /// The children as /proc shows them. A child may end meanwhile, and has no command
    /// line of its own between fork and exec.
    pub fn children(&self) -> Result<Vec<Child>> {
        let child = |pid: u32| {
            let read = |file| fs::read_to_string(format!("/proc/{pid}/{file}")).ok();
            let generation = read("environ").and_then(|environment| {
                let mut words = environment.split('\0');
                words
                    .find_map(|word| u32::from_str_radix(word.strip_prefix("GENERATION=")?, 8).ok())
            });
            let generation = generation.unwrap_or(0);
            let command = read("cmdline")?.replace('\0', " ");
            let program = command.split(' ').next()?.rsplit('/').next()?.to_string();
            Some(Child { pid, generation, program, command })
        };
        Ok(children(self.master()?).into_iter().filter_map(child).collect())
    }

    /// The children that run this program.
    pub fn pids_of(&self, program: &str) -> Result<Vec<u32>> {
        let mut children = self.children()?;
        children.retain(|child| child.program == program);
        Ok(children.iter().map(|child| child.pid).collect())
    }

    pub fn log(&self) -> String {
        fs::read(self.dir.join("log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    /// Waits until the log has this text.
    pub fn wait_log(&self, text: &str) -> Result {
        self.wait(&format!("'{text}' in the log"), || self.log().contains(text))
    }

    /// [`wait_until`] with Postfix's own words about it.
    pub fn wait(&self, what: &str, is_so: impl FnMut() -> bool) -> Result {
        wait_until(LIMIT, what, is_so).with_context(|| self.last_words())
    }

    /// What the log complains about, as `PROGRAM: warning: ...`, without what
    /// differs from run to run, numbers and queue IDs: sorted, each once.
    pub fn warnings(&self) -> Vec<String> {
        let dir = self.dir.display();
        let warnings = sh!(
            r"sed -nE 's/^[^]]*\/([^/[]+)\[[0-9]+\]: ((warning|error|fatal|panic): )/\1: \2/p' {dir}/log |
                sed -E 's|{dir}|DIR|g; s|/trees/ours-|/trees/|; s/[0-9A-F]{{8,}}|[0-9]+/N/g' | sort -u"
        );
        warnings.expect("Postfix has a log").lines().map(str::to_owned).collect()
    }

    /// What Postfix said last, wherever it is: as it was started, in its log, or,
    /// while it has no log, to a terminal alone.
    pub fn last_words(&self) -> String {
        let mut look = Command::new("sh");
        look.args(["-c", LAST_WORDS, "sh"]).arg(&self.dir).arg(self.commands.join("postfix"));
        output(&mut look).map_or_else(|error| error.to_string(), |(_, said)| said)
    }
}

const LAST_WORDS: &str = r#"
tail -v -n 5 "$1/start.log"
if [ -s "$1/log" ]; then
    tail -v -n 10 "$1/log"
    echo "==> of this, complaints <=="
    grep -E '\]: (warning|error|fatal|panic): ' "$1/log" | tail -n 5
else
    echo "==> it has no log yet; postfix check <=="
    script -qec "'$2' -c '$1/etc' check" /dev/null | tr -d '\r' | tail -n 10
fi
"#;

/// Lines with leading dots, of full length and without text: what transport
/// could damage.
fn message(number: usize) -> String {
    let lines: Vec<_> = (0..100).map(|line| format!("line {line} of message {number}\n")).collect();
    let lines = lines.concat();
    format!(
        "From: {SENDER}\nTo: {INBOX}\nSubject: message {number}\n\n\
        message {number} begins\n.\n..\n.dot\n\n{number:0990}\n{lines}message {number} ends\n"
    )
}

fn body(mail: &str) -> Option<&str> {
    mail.split_once("\n\n").map(|(_, body)| body)
}

/// Whether a process has not ended: a zombie has.
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Sends a signal to a process, which may have ended already.
pub fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        _ = nix::sys::signal::kill(Pid::from_raw(pid), signal);
    }
}

fn children(pid: u32) -> Vec<u32> {
    let children =
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

fn link(pid: u32, name: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/{name}")).ok()
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths =
        entries.map(|entry| (entry.path(), entry.file_type().is_ok_and(|kind| kind.is_dir())));
    paths.flat_map(|(path, is_dir)| if is_dir { files(&path) } else { vec![path] }).collect()
}

/// One smtpd is verbose: its log shows each call of `master_notify`.
const MASTER_CF: &str = "\
ADDRESS:10025 inet n - n - - smtpd -v
ADDRESS:10035 inet n - n - 1 postscreen
smtpd pass - - n - - smtpd
tlsproxy unix - - n - 0 tlsproxy
dnsblog unix - - n - 0 dnsblog
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";
