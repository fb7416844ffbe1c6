//! Each tool finds a mistake that is planted for it, in a call that otherwise
//! works: so each tool was on when it found nothing.

use super::harnesses::{code_of_its_own, memcheck, sanitizer};
use super::trace;
use testenv::artefacts::Implementation;
use testenv::harness::{Harness, Toolchain, check, named};
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        memcheck_finds_an_uninitialised_message,
        address_sanitizer_finds_a_message_that_is_too_short,
        undefined_behaviour_sanitizer_finds_an_overflow,
        thread_sanitizer_finds_a_race,
        trace_finds_another_system_call,
        disassembly_shows_a_system_call_instruction,
    ]
}

fn planted(mistake: &'static str, flags: &[&str]) -> Result<Implementation> {
    let sh = Shell::new()?;
    let (source, header) = (checkout().join("c_tests/planted.c"), checkout().join("include"));
    let file = scratch().join("planted.o");
    cmd!(
        sh,
        "gcc -Wno-uninitialized -I {header} -DPLANTED={mistake} {flags...} -c {source} -o {file}"
    )
    .run()?;
    Ok(Implementation { name: mistake, file, header, is_original: false, strong: false })
}

fn found(what: Result<impl Sized>, text: &str) -> Result<()> {
    let Err(error) = what.map(drop) else {
        bail!("the tool does not find the mistake");
    };
    ensure!(format!("{error:#}").contains(text), "no \"{text}\" in: {error:#}");
    Ok(())
}

/// Logs nothing, as what is planted does not either.
fn caller() -> Harness {
    named("caller_without_msg_symbols")
}

/// Nothing is seen without the tool.
fn unseen(mistake: &'static str) -> Result<Implementation> {
    let implementation = planted(mistake, &[])?;
    check(&caller(), &implementation, &Toolchain::gcc())?;
    Ok(implementation)
}

fn memcheck_finds_an_uninitialised_message() -> Result<()> {
    let mistake = unseen("uninitialised")?;
    let text = "write(buf) points to uninitialised";
    found(check(&caller(), &mistake, &memcheck()), text)
}

fn address_sanitizer_finds_a_message_that_is_too_short() -> Result<()> {
    let mistake = unseen("overrun")?;
    let tool = sanitizer("address,undefined");
    found(check(&caller(), &mistake, &tool), "heap-buffer-overflow")
}

fn undefined_behaviour_sanitizer_finds_an_overflow() -> Result<()> {
    let flags = ["-fsanitize=undefined", "-fno-sanitize-recover=all"];
    let tool = sanitizer("address,undefined");
    let result = check(&caller(), &planted("overflow", &flags)?, &tool);
    found(result, "signed integer overflow")
}

fn thread_sanitizer_finds_a_race() -> Result<()> {
    let mistake = planted("race", &["-g", "-fsanitize=thread"])?;
    found(check(&named("load"), &mistake, &sanitizer("thread")), "data race")
}

fn trace_finds_another_system_call() -> Result<()> {
    let mistake = unseen("another_system_call")?;
    found(trace::check(&named("kernel"), &mistake), "getpgrp()")
}

fn disassembly_shows_a_system_call_instruction() -> Result<()> {
    let mistake = unseen("own_system_call")?;
    found(code_of_its_own(&mistake), "syscall")
}
