//! Long work, one line a step, with all output in a log.

use crate::{Context, Result, last_lines, sandbox};
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// The terminal, while the standard streams go to a log.
pub struct Progress {
    terminal: File,
    path: PathBuf,
    log: PathBuf,
}

impl Progress {
    /// From here on, what this process and its children print goes to
    /// `build/log/NAME.log`, after what is there if `go_on`.
    pub fn start(name: &str, go_on: bool) -> Result<Progress> {
        let within = format!("build/log/{name}.log");
        let log = sandbox::outside().join(&within);
        Progress::to(crate::checkout().join(&within), log, go_on)
    }

    /// The same to the file `path`, which the user calls `log`.
    pub fn to(path: PathBuf, log: PathBuf, go_on: bool) -> Result<Progress> {
        use std::os::fd::AsFd;
        std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
        let mut options = File::options();
        options.create(true).append(true);
        if !go_on {
            _ = std::fs::remove_file(&path);
        }
        let file = options.open(&path).with_context(|| {
            format!("cannot write {}. Run `make clean` as its owner", log.display())
        })?;
        let terminal = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
        nix::unistd::dup2_stdout(&file)?;
        nix::unistd::dup2_stderr(&file)?;
        Ok(Progress { terminal, path, log })
    }

    pub fn say(&mut self, text: &str) -> Result<()> {
        Ok(writeln!(self.terminal, "{text}")?)
    }

    /// The log as the user calls it.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Does one step and says how it went and how long it took; of a failure also
    /// the last lines of the log, and its name.
    pub fn step<T>(&mut self, title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("\n== {title}");
        let start = Instant::now();
        let result = thread::scope(|scope| {
            // Dropped when the work ends, in whatever way.
            let (_end, ended) = mpsc::channel::<()>();
            if self.terminal.is_terminal() {
                let (mut terminal, path) = (self.terminal.try_clone()?, &self.path);
                scope.spawn(move || show(&mut terminal, title, path, start, &ended));
            }
            work()
        });
        if self.terminal.is_terminal() {
            write!(self.terminal, "\r\x1b[K")?;
        }
        let word = if result.is_ok() { "ok  " } else { "FAIL" };
        let seconds = start.elapsed().as_secs();
        writeln!(self.terminal, "  {word} {title:60} {seconds:4} s")?;
        if let Err(error) = &result {
            eprintln!("{error:#}");
            for line in last_lines(&std::fs::read(&self.path).unwrap_or_default(), 15) {
                writeln!(self.terminal, "       | {line}")?;
            }
            writeln!(self.terminal, "failed: {title}. The full log: {}", self.log.display())?;
        }
        result
    }
}

/// What goes on and how far it is: the seconds, and the last line of the log.
fn show(terminal: &mut File, title: &str, log: &Path, start: Instant, ended: &Receiver<()>) {
    loop {
        let text = std::fs::read(log).unwrap_or_default();
        let last = last_lines(&text[text.len().saturating_sub(1000)..], 1).pop();
        let last = last.filter(|line| !line.starts_with("== ")).unwrap_or_default();
        let line = format!("  ..   {title} {:3} s  {last}", start.elapsed().as_secs());
        let line: String = line.chars().filter(|c| !c.is_control()).take(78).collect();
        _ = write!(terminal, "\r{line}\x1b[K").and_then(|()| terminal.flush());
        let end = ended.recv_timeout(Duration::from_millis(500));
        if end != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
