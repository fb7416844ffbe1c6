//! What `make mutants` runs: tests of the tests. Each mistake of mutants.txt is
//! made in a copy of the checkout, and the test that it names must turn red.
//! cargo-mutants makes the mistakes that it knows, judged by `cargo test`.

use libtest_mimic::{Arguments, Failed, Trial};
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, ExitCode, Output};
use std::sync::{Arc, Mutex};
use testenv::prelude::*;

const CARGO_MUTANTS: &str = "27.1.0";

struct Mutant {
    name: String,
    file: String,
    catcher: String,
    edit: String,
}

fn mutants() -> Result<Vec<Mutant>> {
    let file = checkout().join("tests/mutants.txt");
    let text = fs::read_to_string(file)?;
    let lines: Vec<_> =
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mutant = |lines: &[&str]| {
        let [title, catcher, edit] = lines else {
            bail!("the last of the mutants has no three lines");
        };
        let (name, file) = title.split_once(' ').context("a name and a file")?;
        Ok(Mutant {
            name: name.to_owned(),
            file: file.to_owned(),
            catcher: (*catcher).to_owned(),
            edit: (*edit).to_owned(),
        })
    };
    lines.chunks(3).map(mutant).collect()
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let mutants = mutants()?;
    let mut copies = Vec::new();
    let threads = std::thread::available_parallelism()?.get();
    if !arguments.list {
        println!("the unchanged copy passes all of these tests, or nothing would be shown:");
        let system = system()?;
        for number in 0..threads {
            copies.push(Copy::create(number, &system)?);
        }
        let filter = arguments.filter.clone().unwrap_or_default();
        let wanted = mutants.iter().filter(|mutant| mutant.name.contains(&filter));
        let mut catchers: Vec<_> = wanted.map(|mutant| mutant.catcher.as_str()).collect();
        catchers.sort_unstable();
        catchers.dedup();
        for catcher in catchers {
            let (passed, output) = copies[0].passes(catcher)?;
            ensure!(passed, "{catcher} fails without any mistake:\n{output}");
            println!("  {catcher}");
        }
    }
    let copies = Arc::new(Mutex::new(copies));
    let mut trials = vec![Trial::test("cargo_mutants_finds_no_survivor", || {
        no_survivor().map_err(|error| Failed::from(format!("{error:#}")))
    })];
    for mutant in mutants {
        let copies = Arc::clone(&copies);
        trials.push(Trial::test(mutant.name.clone(), move || {
            let copy = copies.lock().expect("copies").pop().expect("one for each thread");
            let result = copy.catches(&mutant);
            copies.lock().expect("copies").push(copy);
            result.map_err(|error| Failed::from(format!("{error:#}")))
        }));
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

/// The program of `make test`, which cargo may have to build.
fn system() -> Result<String> {
    let sh = Shell::new()?;
    sh.change_dir(checkout().join("tests"));
    let words = ["--locked", "--no-run", "--test=system", "--message-format=json"];
    let messages = cmd!(sh, "cargo test --quiet {words...}").read()?;
    let key = "\"executable\":\"";
    let mut paths = messages.lines().filter_map(|line| line.split(key).nth(1)?.split('"').next());
    Ok(paths.next_back().context("cargo names no program")?.to_owned())
}

/// A copy of the checkout to make mistakes in.
struct Copy {
    folder: PathBuf,
    /// The object without a mistake.
    object: Vec<u8>,
}

impl Copy {
    fn create(number: usize, system: &str) -> Result<Copy> {
        let folder = checkout().join(format!("build/mutants/{number}"));
        // What cargo has built there stays, to save time.
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("build") && !path.ends_with("target") {
                fs::remove_dir_all(path)?;
            }
        }
        testenv::clone_checkout(&folder)?;
        let build = folder.join("build");
        fs::create_dir_all(&build)?;
        // In the sandbox only the copy is to be seen, and, mounted, the trees.
        let sh = Shell::new()?;
        let made = checkout().join("build");
        cmd!(sh, "cp -R {made}/original {made}/strong {build}").run()?;
        fs::copy(system, build.join("system"))?;
        _ = fs::remove_file(build.join("postfix"));
        symlink(made.join("postfix"), build.join("postfix"))?;
        let mut copy = Copy { folder, object: Vec::new() };
        copy.object = copy.build()?;
        Ok(copy)
    }

    fn build(&self) -> Result<Vec<u8>> {
        // Newer than what is built of the last mistake.
        for file in ["src/lib.rs", "src/msg.rs", "build.rs"] {
            let file = fs::File::options().append(true).open(self.folder.join(file))?;
            file.set_modified(std::time::SystemTime::now())?;
        }
        let output = self.command("tools/build", &["build"])?;
        let said = text(&output);
        ensure!(output.status.success(), "it does not build:\n{said}");
        Ok(fs::read(self.folder.join("build/master_proto.o"))?)
    }

    fn command(&self, program: &str, words: &[&str]) -> Result<Output> {
        let mut command = Command::new(program);
        command.args(words).current_dir(&self.folder);
        // Cargo, as it runs this program, has set what is about this program.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_") && name != "CARGO_HOME" {
                command.env_remove(&*name);
            }
        }
        command.env("TESTENV_CHECKOUT", &self.folder);
        command.output().with_context(|| program.to_owned())
    }

    /// Whether a test finds nothing wrong in the copy, and what it says.
    fn passes(&self, catcher: &str) -> Result<(bool, String)> {
        let output = if catcher.contains("::") {
            self.command("build/system", &["--exact", catcher])?
        } else {
            let words = "test --locked --test notify -- --exact";
            let words: Vec<_> = words.split(' ').chain([catcher]).collect();
            self.command("cargo", &words)?
        };
        let said = text(&output);
        let ran = said.contains("1 passed") || said.contains("1 failed");
        ensure!(ran, "{catcher} did not run:\n{said}");
        Ok((output.status.success(), said))
    }

    fn catches(&self, mutant: &Mutant) -> Result<()> {
        let original = fs::read(checkout().join(&mutant.file))?;
        let file = self.folder.join(&mutant.file);
        let edited =
            Command::new("sed").arg(&mutant.edit).arg(checkout().join(&mutant.file)).output()?;
        ensure!(edited.status.success(), "sed: {}", text(&edited));
        ensure!(
            edited.stdout != original,
            "the edit changes nothing in {} any more. Mend it in tests/mutants.txt",
            mutant.file
        );
        fs::write(&file, &edited.stdout)?;
        let result = self.is_caught(mutant);
        fs::write(&file, &original)?;
        result
    }

    fn is_caught(&self, mutant: &Mutant) -> Result<()> {
        if ["src/", "build.rs", "tools/build"].iter().any(|made| mutant.file.starts_with(made)) {
            ensure!(self.build()? != self.object, "it gives the same object");
        }
        let (passed, said) = self.passes(&mutant.catcher)?;
        ensure!(!passed, "{} does not catch it", mutant.catcher);
        // Where msg symbols are missing, strong references show in the link.
        ensure!(
            mutant.catcher.contains("caller_without") || !said.contains("does not build"),
            "nothing was tested:\n{said}"
        );
        Ok(())
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// Each of the two ways to refer to the msg symbols is compiled in one of the
/// runs alone; a mutant survives if neither run catches it.
fn no_survivor() -> Result<()> {
    let home = checkout().join("build/tools");
    let tool = home.join("bin/cargo-mutants");
    let sh = Shell::new()?;
    let found = cmd!(sh, "{tool} mutants --version").ignore_stderr().read();
    if found.ok().as_deref() != Some(&format!("cargo-mutants {CARGO_MUTANTS}")) {
        cmd!(sh, "cargo install --quiet --root {home} --locked --force --version {CARGO_MUTANTS} cargo-mutants").run()?;
    }
    let copy = checkout().join("build/mutants/crate");
    _ = fs::remove_dir_all(&copy);
    testenv::clone_checkout(&copy)?;
    let mut survivors: Option<Vec<String>> = None;
    for words in [&[][..], &["--features", "strong-msg", "--cargo-arg=--test=notify"]] {
        let out = checkout().join("build/mutants/found");
        _ = fs::remove_dir_all(&out);
        let status = Command::new(&tool)
            .args(["mutants", "--no-times", "--colors=never", "--timeout=120", "--dir"])
            .arg(&copy)
            .arg("--output")
            .arg(&out)
            .args(words)
            .stdout(std::process::Stdio::null())
            .status()?;
        // 2 and 3: some were missed, or took too long.
        ensure!(matches!(status.code(), Some(0 | 2 | 3)), "cargo-mutants: {status}");
        let list = |name: &str| fs::read_to_string(out.join("mutants.out").join(name));
        ensure!(!list("caught.txt")?.is_empty(), "cargo-mutants caught none");
        let missed = list("missed.txt")? + &list("timeout.txt")?;
        let missed = missed.lines().map(str::to_owned);
        survivors = Some(match survivors {
            None => missed.collect(),
            Some(before) => missed.filter(|mutant| before.contains(mutant)).collect(),
        });
    }
    let mut survivors = survivors.unwrap_or_default();
    let elsewhere = lines_for_other_processors()?;
    survivors.retain(|mutant| !elsewhere.iter().any(|line| mutant.starts_with(line)));
    let survivors = survivors.join("\n");
    ensure!(survivors.is_empty(), "no test of cargo test catches:\n{survivors}");
    Ok(())
}

/// What is not compiled here is tested by `make test-arch`: the note where Rust's
/// assembler is not stable. As mutants begin: `src/lib.rs:127:`.
fn lines_for_other_processors() -> Result<Vec<String>> {
    let mut elsewhere = false;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(fs::read_to_string(checkout().join("src/lib.rs"))?.lines()) {
        elsewhere = !line.is_empty() && (elsewhere || line.contains("not(elf_assembler)"));
        if elsewhere {
            lines.push(format!("src/lib.rs:{number}:"));
        }
    }
    Ok(lines)
}
