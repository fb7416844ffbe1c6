//! The C harnesses: built with an implementation by a toolchain, and run. The
//! tests of the call do so here, and those of the platforms elsewhere, with
//! toolchains of their own; nothing of this is to be written a second time.

use crate::artefacts::Implementation;
use crate::{Result, bail, checkout, ensure, output};
use std::path::PathBuf;
use std::process::Command;

/// A program of `c_tests/`.
#[derive(Clone, Copy, Debug)]
pub struct Harness {
    pub name: &'static str,
    source: &'static str,
    flags: &'static str,
}

const fn harness(name: &'static str, source: &'static str, flags: &'static str) -> Harness {
    Harness { name, source, flags }
}

const BOTH: &str = "-DMSG_VERBOSE -DMSG_INFO";
const CPLUSPLUS: &str = "-xc++ -DMSG_VERBOSE -DMSG_INFO";

pub const ALL: [Harness; 9] = [
    harness("call", "call.c", ""),
    harness("kernel", "kernel.c", ""),
    // So that a clean-up handler is found by unwinding through the call.
    harness("contexts", "contexts.c", "-fexceptions"),
    harness("load", "load.c", ""),
    harness("caller", "caller.c", BOTH),
    harness("caller_without_msg_symbols", "caller.c", ""),
    harness("caller_without_msg_verbose", "caller.c", "-DMSG_INFO"),
    harness("caller_without_msg_info", "caller.c", "-DMSG_VERBOSE"),
    harness("caller_in_cplusplus", "caller.c", CPLUSPLUS),
];

/// Those that qemu-user can run: no thread is cancelled, no process killed.
pub const PORTABLE: [&str; 6] = [
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
    /// The names of its tests.
    pub fn tests(&self) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(self.source())?;
        let calls = text.split("cmocka_unit_test(").skip(1);
        Ok(calls.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect())
    }

    pub fn source(&self) -> PathBuf {
        checkout().join("c_tests").join(self.source)
    }

    fn is_caller(&self) -> bool {
        self.source == "caller.c"
    }

    /// Postfix's header is not for C++.
    pub fn is_for(&self, implementation: &Implementation) -> bool {
        !(self.flags == CPLUSPLUS && implementation.is_original)
    }

    /// Whether it does not link with this implementation: strong references,
    /// and a symbol is missing.
    fn must_not_link(&self, implementation: &Implementation) -> bool {
        self.is_caller() && !self.flags.contains(BOTH) && implementation.strong
    }
}

/// A compiler, its flags, and how its programs are run: words for the shell.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub cc: String,
    pub cxx: String,
    pub cflags: String,
    pub ldflags: String,
    /// What cmocka's library is found with.
    pub cmocka: String,
    /// What stands before a program and its arguments, such as an emulator.
    pub run: String,
}

impl Toolchain {
    pub fn new(cc: &str, cxx: &str) -> Toolchain {
        let [cc, cxx, cflags, cmocka] = [cc, cxx, "-O2", "-lcmocka"].map(str::to_owned);
        Toolchain { cc, cxx, cflags, cmocka, ldflags: String::new(), run: String::new() }
    }

    pub fn gcc() -> Toolchain {
        Toolchain::new("gcc", "g++")
    }

    /// The same with these flags instead.
    pub fn flags(self, cflags: &str, ldflags: &str) -> Toolchain {
        Toolchain { cflags: cflags.to_owned(), ldflags: ldflags.to_owned(), ..self }
    }

    /// The same with these words before each program.
    pub fn run_by(self, run: &str) -> Toolchain {
        Toolchain { run: run.to_owned(), ..self }
    }
}

/// Builds a harness as `/tmp/NAME` and runs it there. All its tests must pass;
/// where the references are strong and have no symbol, it must not link.
pub fn check(
    harness: &Harness,
    implementation: &Implementation,
    toolchain: &Toolchain,
) -> Result<()> {
    let Toolchain { cc, cxx, cflags, ldflags, cmocka, run } = toolchain;
    let compiler = if harness.flags == CPLUSPLUS { cxx } else { cc };
    let Harness { name, source, flags } = harness;
    let (header, file) = (implementation.header.display(), implementation.file.display());
    let cmocka = if harness.is_caller() { "" } else { cmocka };
    // A static program with a path for libraries does not run.
    let path = match implementation.file.parent() {
        Some(folder) if file.to_string().ends_with(".so") => {
            format!("-Wl,-rpath,{}", folder.display())
        }
        _ => String::new(),
    };
    // Postfix opens a comment in a comment.
    let (status, said) = shell(&format!(
        "cd {}/c_tests
        {compiler} {cflags} -Wall -Wextra -Werror -Wno-comment -I {header} {flags} {source} -xnone \
            {file} {path} {ldflags} {cmocka} -pthread -o /tmp/{name}",
        checkout().display()
    ))?;
    let what = format!("{name} on {}", implementation.name);
    if harness.must_not_link(implementation) {
        ensure!(!status, "{what} links, though its references to the msg symbols are strong");
        let missing = |line: &str| line.contains("undefined") && line.contains("msg_");
        ensure!(said.lines().any(missing), "{what} misses no msg symbol:\n{said}");
        return Ok(());
    }
    if !status {
        bail!("{what} does not build:\n{said}");
    }
    let (status, said) = shell(&format!("cd /tmp; {run} /tmp/{name}"))?;
    ensure!(status, "{what} fails:\n{said}");
    Ok(())
}

/// Whether a script succeeds, and all that it says.
fn shell(script: &str) -> Result<(bool, String)> {
    let (status, said) = output(Command::new("sh").args(["-euc", script]))?;
    Ok((status.success(), said))
}
