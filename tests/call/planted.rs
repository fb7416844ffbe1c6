//! Each tool finds a defect that is planted for it in a call that otherwise works: so
//! the tool was on when it found nothing in ours.

use super::c_tests::{MEMCHECK, check, makes_no_system_call};
use super::trace::one_write;
use tests::prelude::*;

/// Logs nothing, as c_tests/planted.c does not either.
const CALLER: &str = "caller_without_msg_symbols";

/// Compiles $TMPDIR/planted.o with a statement that should not be there. The caller
/// does not notice it.
fn plant(defect: &str) -> Result {
    sh!("gcc -w -I include -c c_tests/planted.c '-DPLANTED={defect}' -o $TMPDIR/planted.o")?;
    check(CALLER, "IMPL=$TMPDIR/planted.o")
}

fn finds(what: Result, text: &str) -> Result {
    let Err(error) = what else { bail!("the tool does not find the defect") };
    ensure!(format!("{error:#}").contains(text), "no \"{text}\" in: {error:#}");
    Ok(())
}

#[test]
fn memcheck_finds_an_uninitialised_message() -> Result {
    sandbox(|| {
        plant("write_to_null(&uninitialised)")?;
        check(CALLER, format!("IMPL=$TMPDIR/planted.o {MEMCHECK}")).unwrap_err();
        sh!("grep -F 'write(buf) points to uninitialised' $TMPDIR/{CALLER}.log").map(drop)
    })
}

#[test]
fn trace_finds_another_system_call() -> Result {
    sandbox(|| {
        plant("getpgrp()")?;
        finds(one_write("$TMPDIR/planted.o"), "getpgrp()")
    })
}

/// No symbol shows this one.
#[test]
fn disassembly_shows_a_system_call_instruction() -> Result {
    sandbox(|| {
        plant(r#"long n = 110; __asm__ volatile("syscall" : "+a"(n) :: "rcx", "r11")"#)?;
        finds(makes_no_system_call("$TMPDIR/planted.o"), "syscall")
    })
}

/// So each C test runs, and each function in it asserts something. Its output is shown, wherever
/// the logs are.
#[test]
fn every_c_test_fails_on_a_call_that_does_nothing() -> Result {
    sandbox(|| {
        sh!("gcc -w -I include -c c_tests/planted.c '-DPLANTED=usleep(1000); return -1' \
                -o $TMPDIR/planted.o
            cp -R c_tests $TMPDIR
            make --silent --keep-going -C $TMPDIR/c_tests check IMPL=$TMPDIR/planted.o \
                INCLUDE=\"$PWD/include\" OUT=logs >$TMPDIR/said 2>&1 || true
            grep -F '[  FAILED  ]' $TMPDIR/said
            if grep -e '^passed' -e ' OK ]' $TMPDIR/said >&2; then exit 1; fi
            make --silent -C c_tests names | sort >$TMPDIR/names
            sed -n 's/^FAILED //p' $TMPDIR/said | sort | diff -u $TMPDIR/names - >&2")?;
        Ok(())
    })
}

#[test]
fn c_tests_refuse_other_references_than_named_and_what_is_not_there() -> Result {
    sandbox(|| {
        for (text, variables) in [
            ("FAILED caller_without_msg_info", "TESTS=caller_without_msg_info STRONG=1"),
            (
                "FAILED caller_without_msg_info",
                "TESTS=caller_without_msg_info IMPL=../build/strong/master_proto.o",
            ),
            ("c_tests: there is no '/nowhere'. Run 'make'", "IMPL=/nowhere"),
            ("c_tests: cmocka.h is missing. Install cmocka", "TESTS=call CFLAGS=-nostdinc"),
            ("TESTS= names no test", "TESTS="),
        ] {
            refuses(text, &format!("make --silent -C c_tests check OUT=$TMPDIR {variables}"))?;
        }
        Ok(())
    })
}
