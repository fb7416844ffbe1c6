//! Each tool finds a mistake that is planted for it, in a call that otherwise
//! works: so each tool was on when it found nothing.

use super::harnesses::{code_of_its_own, memcheck, sanitizer};
use super::trace::one_write;
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

/// Logs nothing, as what is planted does not either.
fn caller() -> Harness {
    named("caller_without_msg_symbols")
}

/// An object with a statement that should not be there, which nothing sees
/// without the tool.
fn planted(mistake: &str, flags: &str) -> Result<Implementation> {
    let object = Implementation {
        name: "planted",
        file: scratch().join("planted.o"),
        header: checkout().join("include"),
        is_original: false,
        strong: false,
    };
    let compile = "gcc -w -I include -c c_tests/planted.c -o /tmp/planted.o";
    sh!("{compile} '-DPLANTED={mistake}'")?;
    check(&caller(), &object, &Toolchain::gcc())?;
    sh!("{compile} '-DPLANTED={mistake}' {flags}")?;
    Ok(object)
}

fn finds(what: Result<()>, text: &str) -> Result<()> {
    let Err(error) = what else { bail!("the tool does not find the mistake") };
    ensure!(format!("{error:#}").contains(text), "no \"{text}\" in: {error:#}");
    Ok(())
}

fn memcheck_finds_an_uninitialised_message() -> Result<()> {
    let object = planted("write_to_null(&uninitialised)", "")?;
    finds(check(&caller(), &object, &memcheck()), "write(buf) points to uninitialised")
}

fn address_sanitizer_finds_a_message_that_is_too_short() -> Result<()> {
    let object = planted("write_to_null(calloc(1, sizeof(MASTER_STATUS) - 1))", "")?;
    let tool = sanitizer("address,undefined");
    finds(check(&caller(), &object, &tool), "heap-buffer-overflow")
}

fn undefined_behaviour_sanitizer_finds_an_overflow() -> Result<()> {
    let flags = "-fsanitize=undefined -fno-sanitize-recover=all";
    let object = planted("volatile int big = INT_MAX; big++", flags)?;
    let tool = sanitizer("address,undefined");
    finds(check(&caller(), &object, &tool), "signed integer overflow")
}

fn thread_sanitizer_finds_a_race() -> Result<()> {
    let object = planted("static int shared; shared++", "-g -fsanitize=thread")?;
    finds(check(&named("load"), &object, &sanitizer("thread")), "data race")
}

fn trace_finds_another_system_call() -> Result<()> {
    finds(one_write(&planted("getpgrp()", "")?), "getpgrp()")
}

/// Which no symbol tells of.
fn disassembly_shows_a_system_call_instruction() -> Result<()> {
    let getppid = r#"long n = 110; __asm__ volatile("syscall" : "+a"(n) :: "rcx", "r11")"#;
    finds(code_of_its_own(&planted(getppid, "")?), "syscall")
}
