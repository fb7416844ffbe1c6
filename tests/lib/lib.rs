//! The test library: the sandbox, Postfix trees, a private Postfix, and the shell.

pub mod demo;
pub mod guard;
pub mod instance;
pub mod sandbox;
pub mod smtp;
pub mod trace;
pub mod trial;

pub use anyhow::{self, Context, bail, ensure};

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

/// The result of a test.
pub type Result<T = ()> = anyhow::Result<T>;

/// What nearly every test uses.
pub mod prelude {
    pub use crate::sandbox::{address, sandbox, sandbox_for, scratch};
    pub use crate::{Context, LIMIT, Result, bail, ensure, sh};
    pub use crate::{artefact, checkout, clone_checkout, manifest, tree};
    pub use crate::{calls_by, compile_caller, messages_of, refuses, script, sh_file, wait_until};
    pub use std::path::{Path, PathBuf};
    pub use std::time::Duration;
}

/// The checkout under test: a mutant's copy, or the one that this is compiled from.
pub fn checkout() -> PathBuf {
    let named = env::var_os("CHECKOUT").map(PathBuf::from);
    let package =
        || env::var_os("CARGO_MANIFEST_DIR").map(|package| PathBuf::from(package).join(".."));
    let path =
        named.or_else(package).unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/..").into());
    fs::canonicalize(&path).unwrap_or(path)
}

/// A file that `make` has built.
pub fn artefact(name: &str) -> PathBuf {
    checkout().join("build").join(name)
}

/// A Postfix tree, such as `static` or `newest-shared`, by a path without spaces.
pub fn tree(name: &str) -> PathBuf {
    let tree = PathBuf::from(env::var_os("TREES").expect("TREES is set in a sandbox")).join(name);
    assert!(tree.exists(), "there is no build/postfix/{name}; `make prepare` builds it");
    tree
}

/// A field of the product's manifest, such as its version.
pub fn manifest(field: &str) -> Result<String> {
    let manifest = fs::read_to_string(checkout().join("Cargo.toml"))?;
    let value = manifest
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(" = \"")?.split('"').next());
    Ok(value.with_context(|| format!("no {field} in Cargo.toml"))?.to_owned())
}

/// Runs a shell script, written as for `format!`, in the current directory. The
/// first command that fails ends it. Returns its output without the final newline.
#[macro_export]
macro_rules! sh {
    ($($text:tt)+) => { $crate::script(&format!($($text)+)) };
}

/// [`sh!`] without the formatting.
pub fn script(text: &str) -> Result<String> {
    run(Command::new("sh").args(["-euxc", text]))
}

/// Runs a script of `tests/` in the same way, with arguments.
pub fn sh_file(name: &str, arguments: &[&str]) -> Result<String> {
    run(Command::new("sh").arg("-eux").arg(checkout().join("tests").join(name)).args(arguments))
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    let printed = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        eprint!("{printed}");
        bail!("the last command of the script above failed ({})", output.status);
    }
    Ok(printed.trim_end_matches('\n').to_owned())
}

/// Runs a command and returns its status and all its output, which is logged too.
pub fn output(command: &mut Command) -> Result<(ExitStatus, String)> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot run {command:?}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    eprintln!("$ {command:?}\n{said}");
    Ok((output.status, said))
}

/// Runs a shell command that must fail, not by a signal, with a last line that
/// contains the text; lines that make adds do not count. Returns all its output.
pub fn refuses(text: &str, command: &str) -> Result<String> {
    let (status, said) = output(Command::new("sh").args(["-euc", command]))?;
    match status.code() {
        Some(0) => bail!("it exits with status 0 instead of failing with \"{text}\": {command}"),
        Some(1..126) => {}
        _ => bail!("{status}: {command}\n{said}"),
    }
    let of_make = |line: &&str| line.starts_with("make") && line.contains("***");
    let last = said.trim_end().lines().rev().find(|line| !of_make(line)).unwrap_or_default();
    ensure!(last.contains(text), "no \"{text}\" in the last line of: {command}\n{said}");
    Ok(said)
}

/// Writes `$TMPDIR/caller.c`, which exits with the result of `master_notify(1, 2, 3)`,
/// and runs a script that must compile it to `$TMPDIR/caller`.
pub fn compile_caller(text: &str) -> Result<String> {
    let caller =
        "#include <master_proto.h>\nint main(void)\n{\n    return master_notify(1, 2, 3);\n}\n";
    fs::write(sandbox::scratch().join("caller.c"), caller)?;
    script(text)
}

/// Checks that a shell command sends exactly one message: (1, 2, 3).
pub fn calls_by(command: &str) -> Result {
    let sent = messages_of(command)?;
    ensure!(sent == [[1, 2, 3]], "{command} sends {sent:?}");
    Ok(())
}

/// Runs a shell command with a file as descriptor 5, and returns the messages in it.
pub fn messages_of(command: &str) -> Result<Vec<[i32; 3]>> {
    sh!("{command} 5>$TMPDIR/sent")?;
    let sent = fs::read(sandbox::scratch().join("sent"))?;
    ensure!(sent.len() % 12 == 0, "{} bytes were sent", sent.len());
    let number = |bytes: &[u8]| i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let message = |bytes: &[u8]| [0, 4, 8].map(|at| number(&bytes[at..at + 4]));
    Ok(sent.chunks_exact(12).map(message).collect())
}

/// Copies the checkout's files, except what is built or ignored, to a new directory.
pub fn clone_checkout(to: &Path) -> Result {
    // A deleted file is listed until its deletion is committed.
    sh!(
        "mkdir -p '{to}'
        git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
            tar -c --null --no-recursion --ignore-failed-read -T - | tar -x -C '{to}' --no-same-owner
        test -e '{to}/Cargo.toml'",
        to = to.display()
    )?;
    Ok(())
}

/// Far more than anything takes that a test waits for, even on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Tries it until it holds, at least once.
pub fn wait_until(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Result {
    let end = Instant::now() + limit;
    while !holds() {
        ensure!(Instant::now() < end, "not within {} s: {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The end of a log.
pub fn last_lines(text: &[u8], count: usize) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
