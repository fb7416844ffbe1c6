//! The C harnesses: on each implementation, Postfix's own first, with each tool
//! that finds what tests do not see.

use testenv::artefacts::{self, Implementation};
use testenv::harness::{self, Harness, Toolchain, check};
use testenv::prelude::*;

/// A tool: its name, what it is, the harnesses and implementations it is for.
struct Tool {
    name: &'static str,
    toolchain: Toolchain,
    harnesses: Vec<&'static str>,
    implementations: &'static [&'static str],
}

fn tools() -> Vec<Tool> {
    let all: Vec<_> = harness::ALL.iter().map(|harness| harness.name).collect();
    let most = ["call", "kernel", "contexts", "load", "fatal"];
    let tool = |name, toolchain: Toolchain, harnesses: &[&'static str]| Tool {
        name,
        toolchain,
        harnesses: harnesses.to_vec(),
        implementations: &["original", "object", "shared"],
    };
    vec![
        Tool {
            implementations: &[
                "original",
                "original-hardened",
                "object",
                "archive",
                "shared",
                "strong-object",
            ],
            ..tool("gcc", Toolchain::gcc(), &all)
        },
        tool("clang", Toolchain::new("clang", "clang++"), &all),
        tool("lto", Toolchain::gcc().flags("-O2 -flto", "-O2 -flto"), &most),
        tool("memcheck", memcheck(), &["call", "kernel", "contexts", "fatal"]),
        tool("address_and_undefined", sanitizer("address,undefined"), &most),
        // The real write, and more than one thread.
        tool("thread", sanitizer("thread"), &["contexts", "load"]),
    ]
}

pub fn memcheck() -> Toolchain {
    Toolchain::gcc().run_by("valgrind --quiet --vgdb=no --error-exitcode=99 --trace-children=yes")
}

/// Sees the harness, and what the object, not instrumented, hands to libc.
pub fn sanitizer(which: &str) -> Toolchain {
    let flag = format!("-fsanitize={which}");
    Toolchain::gcc()
        .flags(&format!("-g -O1 -fno-sanitize-recover=all {flag}"), &flag)
        .with("MESSAGES", "1000")
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for tool in tools() {
        for name in &tool.harnesses {
            let harness = harness::named(name);
            for implementation in tool.implementations {
                let implementation = artefacts::named(implementation);
                if harness.is_for(&implementation) {
                    cases.push(case(&tool, harness, implementation));
                }
            }
        }
    }
    for implementation in artefacts::all() {
        let name = format!("call::harnesses::no_system_call_of_its_own::{}", implementation.name);
        cases.push(Case::new(name, move || code_of_its_own(&implementation)));
    }
    cases
}

fn case(tool: &Tool, harness: Harness, implementation: Implementation) -> Case {
    let name = format!("call::harnesses::{}::{}::{}", harness.name, implementation.name, tool.name);
    let toolchain = tool.toolchain.clone();
    Case::new(name, move || check(&harness, &implementation, &toolchain).map(drop))
}

/// No instruction calls the kernel, so all goes through the symbols that
/// `tests/abi.txt` lists, and `call.c` sees all that the code does.
pub fn code_of_its_own(implementation: &Implementation) -> Result<()> {
    let sh = Shell::new()?;
    let file = &implementation.file;
    let text = cmd!(sh, "objdump -d --no-show-raw-insn {file}").read()?;
    ensure!(text.contains("<master_notify>:"), "no code in:\n{text}");
    for line in text.lines() {
        let mut words = line.split_whitespace().skip(1);
        let instruction = words.next().unwrap_or_default();
        let calls = ["syscall", "sysenter", "int", "svc", "ecall", "sc"].contains(&instruction);
        ensure!(!calls, "a system call: {line}");
    }
    Ok(())
}
