//! The C harnesses: on each implementation, Postfix's own first, and with each
//! tool that finds what tests do not see.

use testenv::artefacts::{self, Implementation};
use testenv::harness::{self, Toolchain, check};
use testenv::prelude::*;

pub fn memcheck() -> Toolchain {
    Toolchain::gcc().run_by("valgrind --quiet --vgdb=no --error-exitcode=99 --trace-children=yes")
}

/// Sees the harness, and what the object, not instrumented, hands to libc.
pub fn sanitizer(which: &str) -> Toolchain {
    let flag = format!("-fsanitize={which}");
    Toolchain::gcc().flags(&format!("-g -O1 -fno-sanitize-recover=all {flag}"), &flag)
}

pub fn cases() -> Vec<Case> {
    let all = "original original-hardened object archive shared strong-object";
    let callers = "caller caller_without_msg_symbols caller_without_msg_verbose \
                   caller_without_msg_info caller_in_cplusplus";
    // Compilers and sanitizers look at the harness, memcheck at the code.
    let tools = [
        ("gcc", Toolchain::gcc(), "call", all),
        ("gcc", Toolchain::gcc(), callers, all),
        ("gcc", Toolchain::gcc(), "kernel contexts load", "original object shared"),
        ("clang", Toolchain::new("clang", "clang++"), "call", "original object"),
        ("clang", Toolchain::new("clang", "clang++"), callers, "object"),
        ("memcheck", memcheck(), "call kernel contexts", "original object"),
        (
            "address_and_undefined",
            sanitizer("address,undefined"),
            "call kernel contexts load",
            "object",
        ),
        // The real write, and more than one thread.
        ("thread", sanitizer("thread"), "contexts load", "object"),
    ];
    let mut cases = Vec::new();
    for (tool, toolchain, harnesses, implementations) in tools {
        for harness in harnesses.split_whitespace().map(harness::named) {
            for implementation in implementations.split(' ').map(artefacts::named) {
                if harness.is_for(&implementation) {
                    let name = format!("{}::{}::{tool}", harness.name, implementation.name);
                    let toolchain = toolchain.clone();
                    cases.push(Case::new(format!("call::harnesses::{name}"), move || {
                        check(&harness, &implementation, &toolchain)
                    }));
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

/// No instruction calls the kernel, so all goes through the symbols that
/// `tests/abi.txt` lists, and `call.c` sees all that the code does.
pub fn code_of_its_own(implementation: &Implementation) -> Result<()> {
    let file = implementation.file.display();
    let code = sh!("objdump -d --no-show-raw-insn {file}")?;
    ensure!(code.contains("<master_notify>:"), "no code in:\n{code}");
    for line in code.lines() {
        let instruction = line.split_whitespace().nth(1).unwrap_or_default();
        ensure!(!["syscall", "sysenter", "int"].contains(&instruction), "a system call: {line}");
    }
    Ok(())
}
