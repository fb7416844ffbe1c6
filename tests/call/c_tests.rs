//! The C tests, on the C original first, then on each artefact: `object::kernel` is
//! `make -C c_tests check TESTS=kernel IMPL=../build/master_proto.o`.

use tests::prelude::*;

/// Makes a module of tests for an implementation: all C tests, unless some are named.
macro_rules! c_tests {
    ($name:ident, $variables:expr) => {
        c_tests!($name, $variables, call kernel contexts load caller caller_without_msg_symbols
            caller_without_msg_verbose caller_without_msg_info caller_in_cplusplus);
    };
    ($name:ident, $variables:expr, $($test:ident)+) => {
        mod $name {
            use super::*;
            $(#[test]
            fn $test() -> Result {
                sandbox(|| check(stringify!($test), $variables))
            })+
        }
    };
}

// Postfix's header is not for C++.
const C: &str = "IMPL=../build/original/original.o INCLUDE=\"$TREES/static/src/master\" STRONG=1";
const C_HARDENED: &str =
    "IMPL=../build/original/original-hardened.o INCLUDE=\"$TREES/static/src/master\" STRONG=1";
c_tests!(original, C, call kernel contexts load caller caller_without_msg_symbols
    caller_without_msg_verbose caller_without_msg_info);
c_tests!(original_hardened, C_HARDENED, call kernel contexts caller);
const OBJECT: &str = "IMPL=../build/master_proto.o";
const SHARED: &str = "IMPL=../build/libmaster_proto.so";
c_tests!(object, OBJECT);
c_tests!(archive, "IMPL=../build/libmaster_proto.a");
c_tests!(shared, SHARED);
c_tests!(strong_object, "IMPL=../build/strong/master_proto.o STRONG=1");

// A second compiler looks at call.c, valgrind at the code.
c_tests!(clang_original, format!("CC=clang {C}"), call);
c_tests!(clang, format!("CC=clang {OBJECT}"), call);
c_tests!(memcheck_original, format!("{MEMCHECK} {C}"), call kernel contexts);
c_tests!(memcheck, format!("{MEMCHECK} {OBJECT}"), call kernel contexts);
pub const MEMCHECK: &str =
    "RUN='valgrind --quiet --vgdb=no --error-exitcode=99 --trace-children=yes'";

/// Programs and logs are in $TMPDIR.
pub fn check(tests: &str, variables: impl std::fmt::Display) -> Result {
    sh!("make --silent -C c_tests check TESTS='{tests}' OUT=$TMPDIR {variables}").map(drop)
}

#[test]
fn caller_links_and_runs_in_every_way() -> Result {
    sandbox(|| {
        for (compile, link) in [
            ("-O2", "-static"),
            ("-O2 -fPIE", "-static-pie"),
            ("-O2 -fPIE -flto", "-static-pie"),
            ("-O2 -fno-pie", "-no-pie"),
            ("-O2 -fPIE -flto", "-pie"),
        ] {
            for implementation in [C, OBJECT, "IMPL=../build/libmaster_proto.a"] {
                let flags = format!("CFLAGS='{compile}' LDFLAGS='{link}'");
                let tests = "caller caller_without_msg_symbols";
                check(tests, format!("{flags} {implementation}"))?;
            }
        }
        Ok(())
    })
}

/// A packager's linker flags may need compiler flags that a C test is not compiled with.
#[test]
fn flags_of_the_environment_do_no_harm() -> Result {
    sandbox(|| {
        sh!("export CFLAGS=-no-such-flag LDFLAGS=-no-such-flag
            make --silent -C c_tests check TESTS=caller OUT=$TMPDIR")
        .map(drop)
    })
}

/// msg_info() of Postfix's libpostfix-util writes c_tests/log_lines.txt.
#[test]
fn log_lines_read_as_documented() -> Result {
    with_postfix("log_lines")
}

/// Postfix's master_status.c reads the messages, and acts as in c_tests/master_status.txt.
#[test]
fn master_understands_the_messages() -> Result {
    with_postfix("master_status")
}

fn with_postfix(test: &str) -> Result {
    sandbox(|| {
        for implementation in [C, OBJECT, SHARED] {
            check(test, format!("{implementation} POSTFIX=\"$TREES/static\""))?;
        }
        Ok(())
    })
}

/// All system calls go through the symbols that tools/abi.txt lists, so call.c sees
/// everything that the code does.
#[test]
fn no_system_call_of_its_own() -> Result {
    sandbox(|| {
        for file in [
            "original/original.o",
            "original/original-hardened.o",
            "master_proto.o",
            "libmaster_proto.so",
            "strong/master_proto.o",
        ] {
            makes_no_system_call(&format!("build/{file}"))?;
        }
        Ok(())
    })
}

pub fn makes_no_system_call(file: &str) -> Result {
    let code = sh!("objdump -d --no-show-raw-insn {file}")?;
    ensure!(code.contains("<master_notify>:"), "no code in:\n{code}");
    for line in code.lines() {
        let instruction = line.split_whitespace().nth(1).unwrap_or_default();
        ensure!(!["syscall", "sysenter", "int"].contains(&instruction), "a system call: {line}");
    }
    Ok(())
}
