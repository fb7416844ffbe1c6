//! strace sees one system call in each call of `master_notify`: one write of 12
//! bytes to descriptor 5, or one that the kernel restarts by itself.

use testenv::artefacts::{self, Implementation};
use testenv::harness::{self, Harness, Toolchain};
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for harness in ["kernel", "fatal"] {
        for implementation in ["original", "object", "shared"] {
            let name = format!("call::trace::each_call_is_one_write::{harness}::{implementation}");
            let harness = harness::named(harness);
            let implementation = artefacts::named(implementation);
            cases.push(Case::new(name, move || check(&harness, &implementation)));
        }
    }
    cases
}

/// Runs a harness that marks its calls, and looks at each of them.
pub fn check(harness: &Harness, implementation: &Implementation) -> Result<()> {
    // -ff: a file for each process.
    let strace = Toolchain::gcc().run_by("strace -ff -qq -x -s 64 -o /tmp/trace");
    harness::check(harness, implementation, &strace)?;
    let mut calls = 0;
    for entry in std::fs::read_dir("/tmp")? {
        let path = entry?.path();
        if path.extension().is_some() && path.file_stem().is_some_and(|name| name == "trace") {
            calls += check_process(&std::fs::read_to_string(&path)?)?;
        }
    }
    ensure!(calls >= 2, "only {calls} calls were seen in the trace");
    Ok(())
}

/// What strace saw of one process. The marks are those of `c_tests/harness.h`.
fn check_process(trace: &str) -> Result<usize> {
    let mut calls = 0;
    // The lines of the call that is being looked at.
    let mut call: Option<Vec<&str>> = None;
    let mut paused = false;
    for line in trace.lines() {
        let is = |name: &str| line.starts_with(&format!("{name}("));
        if is("getppid") {
            call = Some(Vec::new());
        } else if is("getuid") || line.starts_with("+++ ") {
            if let Some(lines) = call.take() {
                calls += 1;
                one_write(&lines).with_context(|| format!("in a call:\n{}", lines.join("\n")))?;
            }
        } else if is("geteuid") || is("getgid") {
            paused = is("geteuid");
        } else if let (Some(lines), false) = (&mut call, paused) {
            if !line.starts_with("--- ") {
                lines.push(line);
            }
        }
    }
    Ok(calls)
}

/// An interrupted write has its result when the handler returns: EINTR, or the
/// kernel makes the same system call again.
fn one_write(lines: &[&str]) -> Result<()> {
    let mut writes = 0;
    let mut interrupted = false;
    for line in lines {
        let write = line.starts_with("write(5, ") && line.contains(", 12)");
        if write && line.contains("ERESTARTSYS") {
            interrupted = true;
        } else if write {
            writes += 1;
            interrupted = false;
        } else if interrupted && line.starts_with("rt_sigreturn(") {
            writes += usize::from(line.contains("= -1 EINTR"));
        } else if line.starts_with("rt_sigreturn(") {
            // Of a signal that came before the write, or after it.
        } else {
            bail!("another system call: {line}");
        }
    }
    ensure!(writes == 1, "{writes} writes");
    Ok(())
}
