//! Runs cases side by side, each in a cell, with libtest-mimic's options.

use crate::{Context, Result, checkout, last_lines, sandbox};
use libtest_mimic::{Arguments, Failed, Trial};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wait_timeout::ChildExt;

/// One test: a name that claims something, and what proves it.
pub struct Case {
    name: String,
    limit: u64,
    body: Box<dyn Fn() -> Result<()>>,
}

impl Case {
    /// A case of a table; [`cases!`](crate::cases) names functions.
    pub fn new(name: impl Into<String>, body: impl Fn() -> Result<()> + 'static) -> Case {
        Case { name: name.into(), limit: 120, body: Box::new(body) }
    }

    /// Its time limit in seconds. The cases with the longest start first.
    pub fn limit(mut self, seconds: u64) -> Case {
        self.limit = seconds;
        self
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does what proves it, in this process.
    pub fn prove(&self) -> Result<()> {
        (self.body)()
    }
}

/// Cases out of functions, called after their modules: `cases![works, fails]`;
/// or out of a function and the rows of a table: `cases![works for TABLE]`.
#[macro_export]
macro_rules! cases {
    ($($function:ident $(for $table:expr)?),+ $(,)?) => {{
        let mut cases = Vec::new();
        $($crate::cases!(@cases, $function $(, $table)?);)+
        cases
    }};
    (@$cases:ident, $function:ident) => {
        let name = $crate::runner::name_of(module_path!(), stringify!($function));
        $cases.push($crate::runner::Case::new(name, $function));
    };
    (@$cases:ident, $function:ident, $table:expr) => {
        for row in $table {
            let function = $crate::runner::name_of(module_path!(), stringify!($function));
            let name = format!("{function}::{}", $crate::runner::Row::name(&row));
            $cases.push($crate::runner::Case::new(name, move || $function(&row)));
        }
    };
}

/// The cases of modules.
#[macro_export]
macro_rules! topics {
    ($($module:ident),+ $(,)?) => {{
        let mut cases = Vec::new();
        $(cases.extend($module::cases());)+
        cases
    }};
}

/// A row of a table of cases, called by what comes first in it.
pub trait Row {
    /// The end of its case's name.
    fn name(&self) -> &str;
}

impl Row for &str {
    fn name(&self) -> &str {
        self
    }
}

impl Row for String {
    fn name(&self) -> &str {
        self
    }
}

impl<A> Row for (&str, A) {
    fn name(&self) -> &str {
        self.0
    }
}

impl<A, B> Row for (&str, A, B) {
    fn name(&self) -> &str {
        self.0
    }
}

/// Cases that build much: with a limit of 300 s.
pub fn slow(cases: Vec<Case>) -> Vec<Case> {
    cases.into_iter().map(|case| case.limit(300)).collect()
}

/// The name of a function's case: without the crate's name.
pub fn name_of(module: &str, function: &str) -> String {
    match module.split_once("::") {
        Some((_, module)) => format!("{module}::{function}"),
        None => function.to_owned(),
    }
}

/// The `main` of a test binary.
pub fn main(cases: Vec<Case>) -> ExitCode {
    run(cases).unwrap_or_else(|error| {
        eprintln!("{error:?}");
        ExitCode::FAILURE
    })
}

fn run(cases: Vec<Case>) -> Result<ExitCode> {
    let (failed, words): (Vec<_>, Vec<_>) = std::env::args().partition(|word| word == "--failed");
    let mut arguments = Arguments::from_iter(words);
    if arguments.list {
        return run_all(cases, &arguments, false); // which needs no sandbox
    }
    sandbox::enter()?;
    if let Ok(name) = std::env::var("TESTENV_CASE") {
        let case = cases.iter().find(|case| case.name == name);
        case.with_context(|| format!("there is no case '{name}'"))?.prove()?;
        return Ok(ExitCode::SUCCESS);
    }
    // At any time about half of them wait, for a daemon or a signal.
    let processors = std::thread::available_parallelism()?.get();
    arguments.test_threads.get_or_insert(2 * processors);
    run_all(cases, &arguments, !failed.is_empty())
}

fn run_all(mut cases: Vec<Case>, arguments: &Arguments, only_failed: bool) -> Result<ExitCode> {
    let logs = checkout().join("build/log");
    fs::create_dir_all(&logs)?;
    // One for each test binary, and for the mutants, by what their names begin with.
    let first = cases.first().and_then(|case| case.name.split("::").next());
    let record = logs.join(format!("failed-{}", first.unwrap_or_default()));
    if only_failed {
        let names = fs::read_to_string(&record).unwrap_or_default();
        cases.retain(|case| names.lines().any(|name| name == case.name));
        anyhow::ensure!(!cases.is_empty(), "nothing has failed in the last run");
    }
    cases.sort_by_key(|case| std::cmp::Reverse(case.limit));
    let mut names: Vec<_> = cases.iter().map(|case| case.name.clone()).collect();
    names.sort();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        anyhow::bail!("two cases are called {}", pair[0]);
    }
    if !arguments.list {
        _ = fs::remove_file(&record);
    }
    let trial = |case: Case| {
        let (name, limit, record) = (case.name.clone(), case.limit, record.clone());
        Trial::test(case.name, move || {
            run_one(&name, Duration::from_secs(limit)).map_err(|error| {
                _ = append(&record, &name);
                Failed::from(format!("{error:#}"))
            })
        })
    };
    let conclusion = libtest_mimic::run(arguments, cases.into_iter().map(trial).collect());
    if !arguments.list && conclusion.num_passed == 0 && conclusion.num_failed == 0 {
        anyhow::bail!("no test is called so; `make test-list` prints the names");
    }
    Ok(conclusion.exit_code())
}

fn append(file: &Path, line: &str) -> Result<()> {
    let mut file = fs::File::options().create(true).append(true).open(file)?;
    Ok(writeln!(file, "{line}")?)
}

/// A name for files.
fn file_name(case: &str) -> String {
    case.replace("::", ".").replace([' ', '/'], "_")
}

/// Runs one case in a cell, with all that it prints in a log.
fn run_one(name: &str, limit: Duration) -> Result<()> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let (mut command, folder) = sandbox::cell(number)?;

    let log = Path::new("build/log").join(file_name(name) + ".log");
    let path = checkout().join(&log);
    let output = fs::File::create(&path).with_context(|| {
        format!("cannot write {}. Run `make clean` as its owner", log.display())
    })?;
    let mut child = command
        .env("TESTENV_CASE", name)
        .env("CARGO_TARGET_DIR", "/tmp/target")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()?;
    let ended = child.wait_timeout(limit)?;
    let why = match ended {
        Some(status) if status.success() => None,
        Some(status) => Some(format!("failed ({status})")),
        None => {
            // With it goes the first process of the cell, and with that all.
            child.kill()?;
            child.wait()?;
            Some(format!("not done in {} s, and ended", limit.as_secs()))
        }
    };
    let kept = why.is_some().then(|| keep(&folder, name));
    _ = fs::remove_dir_all(&folder);
    let Some(why) = why else { return Ok(()) };
    let end = last_lines(&fs::read(&path)?, 40).join("\n");
    let mut message =
        format!("{end}\n\n{why}; the full log: {}", sandbox::outside().join(log).display());
    if let Some(kept) = kept.flatten() {
        message += &format!("; more: {}", kept.display());
    }
    anyhow::bail!("{message}")
}

/// Asks that a file or folder of this case is kept if the case fails.
pub fn keep_if_failed(path: &Path) -> Result<()> {
    append(Path::new("/tmp/.keep"), &path.display().to_string())
}

/// Copies what the case has asked for to `build/failed`, owned by the user.
fn keep(folder: &Path, name: &str) -> Option<PathBuf> {
    let list = fs::read_to_string(folder.join(".keep")).ok()?;
    let within = Path::new("build/failed").join(file_name(name));
    let target = checkout().join(&within);
    _ = fs::remove_dir_all(&target);
    fs::create_dir_all(&target).ok()?;
    for line in list.lines() {
        let source = folder.join(Path::new(line).strip_prefix("/tmp").ok()?);
        let copied = std::process::Command::new("cp").arg("-R").arg(source).arg(&target).status();
        copied.ok()?;
    }
    Some(sandbox::outside().join(within))
}
