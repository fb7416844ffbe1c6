//! What the Makefile does with the sandbox: `testenv WORD...`
//!
//! - `fetch NAME` gets what the rest needs into `build/postfix/NAME`: the
//!   distribution's `source`, the `newest-source`, the `debian-binary` package, or
//!   `yours-source`, which POSTFIX_SRC names.
//! - `platforms` fetches and builds what the tests on other processors take.
//! - `tree NAME` builds a stock Postfix: `static`, `shared`, `newest-static`, ...
//! - `demo NAME` runs the tree NAME, which is ours, and shows what it does.
//! - `shell` gives a shell in the sandbox.
//! - `release RELEASE` does what README says on a bare system of a Debian release.
//! - `deb RELEASE` builds the Debian packages for a release; `test-deb RELEASE` also checks
//!   them.
//! - `release-check VERSION` does what docs/release.md says, in a copy.

use std::path::Path;
use std::process::ExitCode;
use testenv::progress::Progress;
use testenv::{Context, Result, apt, bail, checkout, demo, platforms, sandbox, tree};

fn main() -> ExitCode {
    if let Err(error) = run() {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["fetch", name] => fetch(name),
        ["platforms"] => platforms::prepare(),
        ["tree", name] => build_tree(name),
        ["demo", name] => show(name),
        ["shell", ref command @ ..] => shell(command),
        ["release", release] => testenv::release::test(release),
        ["release-check", version] => testenv::publish::check(version),
        ["test-deb", release] => testenv::deb::test(release),
        ["deb", release] => testenv::deb::build(release),
        _ => bail!(
            "usage: testenv fetch NAME | platforms | tree NAME | demo NAME | shell [COMMAND...] \
             | release RELEASE | deb RELEASE | test-deb RELEASE | release-check VERSION"
        ),
    }
}

fn fetch(name: &str) -> Result<()> {
    let folder = checkout().join("build/postfix").join(name);
    let mut progress = Progress::start(&format!("fetch-{name}"), false)?;
    let given = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    let own = match name {
        "yours-source" => given("POSTFIX_SRC"),
        "newest-source" => given("NEWEST_SRC"),
        _ => None,
    };
    progress.step(&format!("get Postfix, {name}"), || match &own {
        Some(own) => tree::take_source(Path::new(own), &folder),
        None => apt::fetch(name),
    })
}

fn build_tree(name: &str) -> Result<()> {
    let folder = checkout().join("build/postfix").join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
    sandbox::enter()?;
    let flags = std::env::var("POSTFIX_CCARGS").unwrap_or_default();
    let mut progress = Progress::start(&format!("postfix-{name}"), false)?;
    let title = match name.strip_prefix("ours-") {
        Some(stock) => format!("put our object into Postfix, {stock}"),
        None => format!("build Postfix, {name} (once)"),
    };
    progress.step(&title, || tree::build(name, &flags))
}

fn show(name: &str) -> Result<()> {
    sandbox::enter()?;
    let within = Path::new("build/demo");
    let mut progress = Progress::start("demo", false)?;
    progress.say("A real Postfix with build/master_proto.o in place of its own object")?;
    demo::run(&mut progress, &Path::new(sandbox::TREES).join(name), &checkout().join(within))?;
    let folder = sandbox::outside().join(within);
    progress.say(&format!("Postfix's log, the trace and the mail are in {}", folder.display()))
}

fn shell(command: &[&str]) -> Result<()> {
    use std::os::unix::process::CommandExt;
    sandbox::enter()?;
    let shell = std::env::var("SHELL").unwrap_or_else(|_| "sh".to_owned());
    let command = if command.is_empty() { &[shell.as_str()][..] } else { command };
    Err(std::process::Command::new(command[0]).args(&command[1..]).exec())
        .context(command[0].to_owned())
}
