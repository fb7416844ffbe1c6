//! The C harnesses: built with an implementation by a toolchain, and run. The
//! tests of the call do so here, and those of the platforms elsewhere, with
//! toolchains of their own; nothing of this is to be written a second time.

use crate::artefacts::Implementation;
use crate::{Context, Result, bail, checkout, ensure, output, scratch};
use std::path::PathBuf;
use std::process::Command;

/// A program of `c_tests/`.
#[derive(Clone, Copy, Debug)]
pub struct Harness {
    pub name: &'static str,
    source: &'static str,
    flags: &'static [&'static str],
    needs: Needs,
    language: Language,
}

/// What a harness is compiled and linked with, each with what is before it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Needs {
    Header,
    Implementation,
    Cmocka,
    /// `harness.c`
    Helpers,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Language {
    C,
    /// Postfix's header is not for it.
    Cplusplus,
}

const fn harness(name: &'static str, source: &'static str, needs: Needs) -> Harness {
    Harness { name, source, flags: &[], needs, language: Language::C }
}

const fn caller(name: &'static str, flags: &'static [&'static str], language: Language) -> Harness {
    Harness { name, source: "caller.c", flags, needs: Needs::Implementation, language }
}

pub const ALL: [Harness; 11] = [
    harness("layout", "layout.c", Needs::Header),
    harness("call", "call.c", Needs::Cmocka),
    harness("kernel", "kernel.c", Needs::Helpers),
    Harness {
        // So that a clean-up handler is found by unwinding through the call.
        flags: &["-fexceptions"],
        ..harness("contexts", "contexts.c", Needs::Helpers)
    },
    harness("load", "load.c", Needs::Helpers),
    harness("fatal", "fatal.c", Needs::Helpers),
    caller("caller", &["-DMSG_VERBOSE", "-DMSG_INFO"], Language::C),
    caller("caller_without_msg_symbols", &[], Language::C),
    caller("caller_without_msg_verbose", &["-DMSG_INFO"], Language::C),
    caller("caller_without_msg_info", &["-DMSG_VERBOSE"], Language::C),
    caller("caller_in_cplusplus", &["-DMSG_VERBOSE", "-DMSG_INFO"], Language::Cplusplus),
];

/// Those that qemu-user can run: no thread is cancelled, no process killed.
pub const PORTABLE: [&str; 7] = [
    "layout",
    "call",
    "kernel",
    "caller",
    "caller_without_msg_symbols",
    "caller_without_msg_verbose",
    "caller_without_msg_info",
];

pub fn named(name: &str) -> Harness {
    let found = ALL.into_iter().find(|one| one.name == name);
    found.unwrap_or_else(|| panic!("there is no harness '{name}'"))
}

impl Harness {
    pub fn tests(&self) -> Result<Vec<String>> {
        let source = self.source();
        let text =
            std::fs::read_to_string(&source).with_context(|| format!("{}", source.display()))?;
        let calls = text.split("cmocka_unit_test(").skip(1);
        Ok(calls.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect())
    }

    pub fn source(&self) -> PathBuf {
        checkout().join("c_tests").join(self.source)
    }

    /// Whether it can be compiled with the header of this implementation.
    pub fn is_for(&self, implementation: &Implementation) -> bool {
        !(self.language == Language::Cplusplus && implementation.is_original)
    }

    /// Whether it does not link with this implementation: strong references,
    /// and a symbol is missing.
    fn must_not_link(&self, implementation: &Implementation) -> bool {
        self.source == "caller.c" && self.flags.len() < 2 && implementation.strong
    }
}

/// A compiler, its flags, and how its programs are run.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub cc: String,
    pub cxx: String,
    pub cflags: Vec<String>,
    pub ldflags: Vec<String>,
    /// What cmocka's header and library are found with.
    pub cmocka: Vec<String>,
    /// Words before a program and its arguments, such as an emulator.
    pub run: Vec<String>,
    /// Variables for the program.
    pub environment: Vec<(String, String)>,
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl Toolchain {
    pub fn new(cc: &str, cxx: &str) -> Toolchain {
        Toolchain {
            cc: cc.to_owned(),
            cxx: cxx.to_owned(),
            cflags: words("-O2"),
            ldflags: Vec::new(),
            cmocka: words("-lcmocka"),
            run: Vec::new(),
            environment: Vec::new(),
        }
    }

    pub fn gcc() -> Toolchain {
        Toolchain::new("gcc", "g++")
    }

    /// The same with these flags instead.
    pub fn flags(mut self, cflags: &str, ldflags: &str) -> Toolchain {
        self.cflags = words(cflags);
        self.ldflags = words(ldflags);
        self
    }

    /// The same with these words before each program.
    pub fn run_by(mut self, run: &str) -> Toolchain {
        self.run = words(run);
        self
    }

    /// The same with a variable for each program.
    pub fn with(mut self, name: &str, value: &str) -> Toolchain {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Compiles and links; returns the program, or what the compiler complains of.
fn build(
    harness: &Harness,
    implementation: &Implementation,
    toolchain: &Toolchain,
) -> Result<std::result::Result<PathBuf, String>> {
    let program = scratch().join(harness.name);
    let cplusplus = harness.language == Language::Cplusplus;
    let mut command = Command::new(if cplusplus { &toolchain.cxx } else { &toolchain.cc });
    command
        .args(&toolchain.cflags)
        // Postfix opens a comment in a comment.
        .args(["-Wall", "-Wextra", "-Werror", "-Wno-comment", "-I"])
        .arg(&implementation.header)
        .args(harness.flags)
        .args(cplusplus.then_some("-xc++"))
        .arg(harness.source())
        .args(cplusplus.then_some("-xnone"));
    if harness.needs >= Needs::Helpers {
        command.arg(checkout().join("c_tests/harness.c"));
    }
    if harness.needs >= Needs::Implementation {
        let file = &implementation.file;
        command.arg(file);
        // A static program with a path for libraries does not run.
        if file.extension().is_some_and(|suffix| suffix == "so") {
            let folder = file.parent().unwrap_or(file);
            command.arg(format!("-Wl,-rpath,{}", folder.display()));
        }
    }
    command.args(&toolchain.ldflags);
    if harness.needs >= Needs::Cmocka {
        command.args(&toolchain.cmocka);
    }
    command.arg("-pthread").arg("-o").arg(&program);
    let (status, said) = output(&mut command)?;
    Ok(if status.success() { Ok(program) } else { Err(said) })
}

/// Builds a harness and runs it in this case's folder. All its tests must pass;
/// where the references are strong and have no symbol, it must not link.
/// Returns what it printed.
pub fn check(
    harness: &Harness,
    implementation: &Implementation,
    toolchain: &Toolchain,
) -> Result<String> {
    let what = format!("{} on {}", harness.name, implementation.name);
    let program = match build(harness, implementation, toolchain)? {
        Ok(_) if harness.must_not_link(implementation) => {
            bail!("{what} links, though its references to the msg symbols are strong")
        }
        Ok(program) => program,
        Err(said) if harness.must_not_link(implementation) => {
            let missing = |line: &str| line.contains("undefined") && line.contains("msg_");
            ensure!(said.lines().any(missing), "{what} misses no msg symbol:\n{said}");
            return Ok(said);
        }
        Err(said) => bail!("{what} does not build:\n{said}"),
    };
    let line: Vec<_> = toolchain.run.iter().map(String::as_str).chain(program.to_str()).collect();
    let (status, said) = output(
        Command::new(line[0])
            .args(&line[1..])
            .envs(toolchain.environment.iter().cloned())
            .current_dir(scratch()),
    )?;
    ensure!(status.success(), "{what}: {status}\n{said}");
    Ok(said)
}
