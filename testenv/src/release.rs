//! A newcomer on a bare system of a Debian release, who does what README says:
//! its own commands, as root and as an ordinary user, and nothing installed but
//! what it and they name.

use crate::apt::{MirrorError, mirror_error};
use crate::bare::{self, System};
use crate::platforms::minimum_rust;
use crate::prelude::*;
use crate::progress::Progress;
use std::process::{Command, Stdio};

const USER: &str = "tester";

/// Runs the tests on a release.
pub fn test(release: &str) -> Result<()> {
    bare::check_name(release)?;
    let commands = readme_commands()?;
    let mut progress = Progress::start(&format!("release-{release}"), false)?;
    let result = on(release, &commands, &mut progress);
    if result.as_ref().is_err_and(|error| error.downcast_ref::<MirrorError>().is_some()) {
        progress.say("A mirror has failed, or the way to it, and no test. Try again later.")?;
    }
    result
}

fn on(release: &str, commands: &[String], progress: &mut Progress) -> Result<()> {
    let system = progress.step(&format!("make a bare system of {release}"), || {
        let system = System::create(release)?;
        system.add_user(USER)?;
        // What README starts from.
        say(&system, "root", "apt-get --yes --no-install-recommends install make")?;
        system.clone_checkout("root", "master_proto")?;
        system.clone_checkout(USER, "master_proto")?;
        Ok(system)
    })?;
    let before = elsewhere(&system)?;
    for command in commands {
        let users = if command == "make demo" { &["root", USER][..] } else { &[USER] };
        for user in users {
            progress
                .step(&format!("{command}, as {user}"), || as_newcomer(&system, user, command))?;
            progress.say(&format!("       {}", fetched(&system)?))?;
        }
    }
    let (installed, others) = rusts(&system)?;
    progress.say(&format!("       that was with {installed}"))?;
    for (package, version) in others {
        progress.step(&format!("build and test with {package} {version}"), || {
            with_other_rust(&system, &package, &version)
        })?;
    }
    progress.step("make clean, and nothing is left elsewhere", || {
        say(&system, USER, "cd master_proto; make clean; test ! -e build")?;
        let after = elsewhere(&system)?;
        ensure!(before == after, "before:\n{before}\nafter:\n{after}");
        Ok(())
    })?;
    let size = system.read("root", "du --summarize --one-file-system --block-size=M /")?;
    let size = size.split_whitespace().next().unwrap_or_default();
    progress.say(&format!("       {size} on disk at the end"))
}

/// What has been fetched until now.
fn fetched(system: &System) -> Result<String> {
    let megabytes = |what: &str| {
        let bytes: f64 = system.read("root", &format!("cat {what} | wc -c"))?.trim().parse()?;
        Ok::<_, crate::anyhow::Error>((bytes / 1e6).round())
    };
    Ok(format!(
        "fetched until here: {} MB of packages, {} MB of crates",
        megabytes("/var/cache/apt/archives/*.deb")?,
        megabytes("/root/.cargo/registry/cache/*/* /home/*/.cargo/registry/cache/*/* 2>/dev/null")?
    ))
}

/// The commands of README's part for newcomers.
fn readme_commands() -> Result<Vec<String>> {
    let readme = std::fs::read_to_string(checkout().join("README.md"))?;
    let part = readme.split("\n## ").find(|part| part.starts_with("See it work\n"));
    let part = part.context("README.md has no part 'See it work'")?;
    let blocks = part.split("```sh\n").skip(1);
    let commands: Vec<_> = blocks
        .filter_map(|block| block.split("```").next())
        .flat_map(str::lines)
        .map(str::to_owned)
        .collect();
    ensure!(
        part.contains("that has `make`") && commands == ["make demo", "make test"],
        "README's part for newcomers is another than this test knows: {commands:?}"
    );
    Ok(commands)
}

/// Runs a command in the clone and, where it asks for a command of root's, that
/// and the command again.
fn as_newcomer(system: &System, user: &str, command: &str) -> Result<()> {
    let script = format!("cd master_proto; {command}");
    let Err(error) = say(system, user, &script) else {
        return Ok(());
    };
    let wanted = format!("{error:#}");
    let Some((_, by_root)) = wanted.rsplit_once("As root: ") else {
        return Err(error);
    };
    let by_root = by_root.lines().next().unwrap_or_default();
    say(system, "root", &by_root.replace("apt-get ", "apt-get --yes "))?;
    say(system, user, &script)
}

/// Runs it, with what it says in the log and, of a failure, in the error, which
/// is a mirror's where that is to be seen.
fn say(system: &System, user: &str, script: &str) -> Result<()> {
    eprintln!("[{user}] $ {script}");
    let mut command = system.command(user, &format!("exec 2>&1; {script}"));
    let said = heard(&mut command)?;
    let Err((status, text)) = said else {
        return Ok(());
    };
    let lines: Vec<_> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(12)..].join("\n");
    let signs = [
        "Failed to fetch",
        "Unable to fetch",
        "Temporary failure resolving",
        "failed to download",
        "spurious network error",
        "Could not resolve host",
        "does the mirror answer?",
    ];
    if signs.iter().any(|sign| text.contains(sign)) {
        return Err(mirror_error(format!("{status}: {script}\n{end}")));
    }
    bail!("{status}: {script}\n{end}")
}

type Said = std::result::Result<(), (std::process::ExitStatus, String)>;

/// Runs a command to its end, with its output in the log as it comes.
fn heard(command: &mut Command) -> Result<Said> {
    use std::io::{BufRead, BufReader};
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut text = String::new();
    for line in BufReader::new(child.stdout.take().context("no output")?).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        eprintln!("{line}");
        text += &line;
        text.push('\n');
    }
    let status = child.wait()?;
    Ok(if status.success() { Ok(()) } else { Err((status, text)) })
}

/// The Rust that is installed, in words, and the others that the release has, new
/// enough, as compiler package and version.
fn rusts(system: &System) -> Result<(String, Vec<(String, String)>)> {
    let list = "apt-cache madison rustc rustc-web | awk -F ' *[|] *' '{ print $1, $2 }' | sort -u";
    let list = system.read(USER, list)?;
    let query = "dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\\n' rustc rustc-web 2>/dev/null || :";
    let installed = system.read(USER, query)?;
    let installed = installed
        .lines()
        .find_map(|line| line.strip_prefix("installed "))
        .context("no Rust of the release is installed")?;
    let minimum = minimum_rust()?;
    let mut others = Vec::new();
    for line in list.lines() {
        let Some((package, version)) = line.trim().split_once(' ') else {
            continue;
        };
        let new_enough =
            Command::new("dpkg").args(["--compare-versions", version, "ge", &minimum]).status()?;
        if new_enough.success() && installed != format!("{package} {version}") {
            others.push((package.to_owned(), version.to_owned()));
        }
    }
    Ok((installed.to_owned(), others))
}

/// Build, unit tests and ABI tests, with another Rust in the place of the first.
fn with_other_rust(system: &System, package: &str, version: &str) -> Result<()> {
    let cargo = package.replacen("rustc", "cargo", 1);
    let std = package.replacen("rustc", "libstd-rust", 1);
    // Cargo's own version is another than the compiler's in some releases.
    let install = format!(
        "apt-get --yes --no-install-recommends --allow-downgrades install \
         {package}={version} {std}-dev={version} \
         $(apt-cache madison {cargo} | grep -q ' {version} ' && echo {cargo}={version} || echo {cargo})"
    );
    say(system, "root", &install)?;
    let tests = "cd master_proto; make; cargo test --locked; make prepare
        CARGO_TARGET_DIR=$PWD/build/target cargo test --locked --manifest-path tests/Cargo.toml \
        --test system -- product::abi";
    say(system, USER, tests)
}

/// What lies where neither the checkout nor cargo's cache is.
fn elsewhere(system: &System) -> Result<String> {
    let places = format!("/tmp /var/tmp /home/{USER}");
    system.read(
        "root",
        &format!(
            "find {places} -mindepth 1 -maxdepth 1 ! -name .cargo ! -name master_proto | sort"
        ),
    )
}
