//! Where master_proto is tested: a sandbox, Postfix trees in it, and what runs
//! there. The tests, the demo and the benchmarks are programs on this crate.

pub mod abi;
pub mod apt;
pub mod artefacts;
pub mod bare;
pub mod deb;
pub mod demo;
pub mod figures;
pub mod harness;
pub mod instance;
pub mod platforms;
pub mod progress;
pub mod publish;
pub mod release;
pub mod runner;
pub mod sandbox;
pub mod smtp;
pub mod trace;
pub mod tree;

pub use anyhow::{self, Context, Result, bail, ensure};
pub use xshell::{self, Shell, cmd};

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What nearly every test uses.
pub mod prelude {
    pub use crate::runner::{Case, slow};
    pub use crate::{Context, Result, Shell, bail, cmd, ensure, sh};
    pub use crate::{artefact, checkout, clone_checkout, manifest, scratch};
    pub use crate::{calls_by, compile_caller, messages_of, refuses, wait_until};
    pub use std::path::{Path, PathBuf};
    pub use std::time::Duration;
}

/// The checkout; read-only within a case.
pub fn checkout() -> PathBuf {
    if sandbox::is_inside() { PathBuf::from(sandbox::CHECKOUT) } else { sandbox::outside() }
}

/// What `make` has built under this name.
pub fn artefact(name: &str) -> PathBuf {
    checkout().join("build").join(name)
}

/// This case's own folder, empty at its start.
pub fn scratch() -> PathBuf {
    PathBuf::from("/tmp")
}

/// A field of the product's manifest, such as its version.
pub fn manifest(field: &str) -> Result<String> {
    let manifest = std::fs::read_to_string(checkout().join("Cargo.toml"))?;
    let value = manifest
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(" = \"")?.split('"').next());
    Ok(value.with_context(|| format!("no {field} in Cargo.toml"))?.to_owned())
}

/// What a script of the shell prints, without the newline at its end, as
/// `format!` would write that script. What fails first ends it. A case begins in
/// the checkout.
#[macro_export]
macro_rules! sh {
    ($($text:tt)+) => { $crate::script(&format!($($text)+)) };
}

/// What [`sh!`] does with a text. Each command goes to the log, and of a failure
/// what was printed, too.
pub fn script(text: &str) -> Result<String> {
    let mut sh = Command::new("sh");
    let output = sh.args(["-euxc", text]).stderr(Stdio::inherit()).output().context("sh(1)")?;
    let printed = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        eprint!("{printed}");
        bail!("the last command of the script above failed ({})", output.status);
    }
    Ok(printed.trim_end_matches('\n').to_owned())
}

/// Has a script compile /tmp/caller.c, which makes one call and ends with what
/// that returns, to /tmp/caller. Returns what the script prints.
pub fn compile_caller(text: &str) -> Result<String> {
    let caller =
        "#include <master_proto.h>\nint main(void)\n{\n    return master_notify(1, 2, 3);\n}\n";
    std::fs::write("/tmp/caller.c", caller)?;
    script(text)
}

/// Runs a command of the shell, and tests that it sends what that program does.
pub fn calls_by(command: &str) -> Result<()> {
    let sent = messages_of(command)?;
    ensure!(sent == [[1, 2, 3]], "{command} sends {sent:?}");
    Ok(())
}

/// Runs a command of the shell with a file as descriptor 5, and returns the
/// messages that are in the file then.
pub fn messages_of(command: &str) -> Result<Vec<[i32; 3]>> {
    script(&format!("{command} 5>/tmp/sent"))?;
    let sent = std::fs::read("/tmp/sent")?;
    ensure!(sent.len() % 12 == 0, "{} bytes were sent", sent.len());
    let number = |bytes: &[u8]| i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let message = |bytes: &[u8]| [0, 4, 8].map(|at| number(&bytes[at..at + 4]));
    Ok(sent.chunks_exact(12).map(message).collect())
}

/// Copies the checkout's files, not what is built or ignored, to a new folder. A
/// file that is deleted but not committed is still listed.
pub fn clone_checkout(to: &Path) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(checkout());
    let script = "mkdir -p \"$1\"
        git -c safe.directory=* ls-files -z --cached --others --exclude-standard |
            tar -c --null --no-recursion --ignore-failed-read -T - | tar -x -C \"$1\" --no-same-owner
        test -e \"$1/Cargo.toml\"";
    Ok(cmd!(sh, "sh -euc {script} sh {to}").run()?)
}

/// Tries it until it holds, at least once.
pub fn wait_until(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let end = Instant::now() + limit;
    while !holds() {
        ensure!(Instant::now() < end, "not within {} s: {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Runs a command and returns all that it says, which goes to the log too.
pub fn output(command: &mut Command) -> Result<(ExitStatus, String)> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot run {command:?}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    eprintln!("$ {command:?}\n{said}");
    Ok((output.status, said))
}

/// The end of a log.
pub fn last_lines(text: &[u8], count: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(count)..].to_vec()
}

/// Runs a command that must refuse: it fails, not by a signal, and the last
/// line that it says contains the text; what make adds does not count. Returns
/// all that it says.
pub fn refuses(text: &str, command: xshell::Cmd<'_>) -> Result<String> {
    let shown = command.to_string();
    let (status, said) = output(&mut command.into())?;
    match status.code() {
        Some(0) => bail!("it ends with 0 instead of refusing with \"{text}\": {shown}"),
        None => bail!("{status}: {shown}\n{said}"),
        Some(_) => {}
    }
    let mut lines = said.trim_end().lines().rev();
    let of_make = |line: &&str| line.starts_with("make") && line.contains("***");
    let last = lines.find(|line| !of_make(line)).unwrap_or_default();
    ensure!(last.contains(text), "no \"{text}\" in its last line: {shown}\n{said}");
    Ok(said)
}
