//! The marks of arm64, BTI and PAC, of which the kernel enforces the first.

use testenv::platforms::{Rust, cmocka_header};
use testenv::prelude::*;

/// By the oldest Rust and by the newest.
const BUILDS: [&str; 2] = ["arm64", "arm64-newest"];
const BOTH: &str = "AArch64 feature: BTI, PAC";

pub fn cases() -> Vec<Case> {
    testenv::cases![
        artefacts_carry_bti_and_pac for BUILDS,
        code_meets_the_marks for BUILDS,
        object_is_no_larger_than_c for BUILDS,
        linker_that_demands_bti_takes_ours_alone for BUILDS,
        call_by_pointer_runs_with_bti_enforced for BUILDS,
        cancelled_thread_unwinds_the_signed_address for BUILDS,
        postfix_library_keeps_the_marks for BUILDS,
    ]
}

/// Prints the marks of a file, after what has made it.
const MARKS: &str = "readelf -nW $file | sed -n 's/.*Properties: *//p'";

fn artefacts_carry_bti_and_pac(build: &&str) -> Result<()> {
    for name in ["master_proto.o", "libmaster_proto.a", "libmaster_proto.so"] {
        assert_eq!(sh!("file=build/arch/{build}/{name}; {MARKS}")?, BOTH, "{name}");
    }
    Ok(())
}

/// A landing pad first; no jump through a register but those that a pad for
/// calls admits, so no jump table either; each return address authenticated.
fn code_meets_the_marks(build: &&str) -> Result<()> {
    for name in ["master_proto.o", "libmaster_proto.so"] {
        let code =
            sh!("aarch64-linux-gnu-objdump --no-show-raw-insn --disassemble=master_notify \
                build/arch/{build}/{name} | sed -n 's/^ *[0-9a-f]*:[[:space:]]*//p'")?;
        let count = |word: &str| code.lines().filter(|line| line.starts_with(word)).count();
        ensure!(code.starts_with("paciasp") || code.starts_with("bti"), "{code}");
        ensure!(count("ret") > 0 && count("ret") == count("autiasp"), "{code}");
        ensure!(count("br\t") == count("br\tx16") + count("br\tx17"), "{code}");
    }
    Ok(())
}

/// Compiled with the same branch flags and stack protector.
fn object_is_no_larger_than_c(build: &&str) -> Result<()> {
    compile("master_proto")?;
    sh!("size() {{ command size $1 | awk 'NR == 2 {{ print $1 + $2 }}'; }}
        test $(size build/arch/{build}/master_proto.o) -le $(size /tmp/master_proto.o)")?;
    Ok(())
}

/// Compiles files of src/master to /tmp, with what Debian 13 compiles with for arm64.
fn compile(names: &str) -> Result<()> {
    sh!("tree=build/postfix/static
        system=$(sed -n 's/^SYSTYPE[[:space:]]*=[[:space:]]*//p' $tree/conf/makedefs.out)
        for name in {names}; do
            aarch64-linux-gnu-gcc -O2 -fPIC -fstack-protector-strong -mbranch-protection=standard \
                -DNO_DB -DNO_NIS -DNO_EAI -w -D$system -I $tree/include -I $tree/src/master \
                -c $tree/src/master/$name.c -o /tmp/$name.o
        done")?;
    Ok(())
}

/// Builds the object without pads and mark, /tmp/unmarked/master_proto.o.
fn build_unmarked() -> Result<()> {
    let rust = Rust::Minimum.name()?;
    let marks = sh!("export RUSTC=$PWD/build/arch/{rust}/rustc TARGET=aarch64-unknown-linux-gnu
        OBJCOPY=aarch64-linux-gnu-objcopy MARKS=0 LINK=0 tools/build /tmp/unmarked >&2
        file=/tmp/unmarked/master_proto.o; {MARKS}")?;
    assert_eq!(marks, "");
    Ok(())
}

/// The option alone marks an object that has no mark, and says so in a warning.
fn linker_that_demands_bti_takes_ours_alone(build: &&str) -> Result<()> {
    build_unmarked()?;
    sh!("link() {{
            aarch64-linux-gnu-gcc -shared -nostdlib -Wl,-z,force-bti -Wl,--fatal-warnings \
                $1 -o /tmp/linked.so
        }}
        link build/arch/{build}/master_proto.o
        if link /tmp/unmarked/master_proto.o 2>/tmp/said; then exit 1; fi
        grep 'do not have BTI' /tmp/said")?;
    Ok(())
}

/// And with the mark alone it dies, so the mark is enforced.
fn call_by_pointer_runs_with_bti_enforced(build: &&str) -> Result<()> {
    const RUN: &str = "qemu-aarch64-static -cpu max /tmp/program";
    let link = |object: &str, option: &str| {
        sh!("aarch64-linux-gnu-gcc -O2 -mbranch-protection=standard -fno-stack-protector \
                -nostdlib -static {option} -I include c_tests/by_pointer.c {object} -o /tmp/program
            file=/tmp/program; {MARKS}")
    };
    assert_eq!(link(&format!("build/arch/{build}/master_proto.o"), "")?, BOTH);
    calls_by(RUN)?;

    build_unmarked()?;
    let unmarked = "/tmp/unmarked/master_proto.o";
    assert_eq!(link(unmarked, "")?, "", "one object has no mark");
    calls_by(RUN)?;
    assert_eq!(link(unmarked, "-Wl,-z,force-bti")?, "AArch64 feature: BTI");
    assert_eq!(sh!("{RUN} 5>/tmp/sent || echo $?")?, "132", "SIGILL");
    Ok(())
}

fn cancelled_thread_unwinds_the_signed_address(build: &&str) -> Result<()> {
    let cmocka = cmocka_header();
    let said = sh!(
        "aarch64-linux-gnu-gcc -O2 -fexceptions -pthread -I include -I {} c_tests/contexts.c \
            build/arch/{build}/master_proto.o build/arch/{build}/cmocka.o -o /tmp/program
        export TESTS='thread_can_be_cancelled*'
        qemu-aarch64-static -cpu max -L /usr/aarch64-linux-gnu /tmp/program",
        cmocka.display()
    )?;
    ensure!(said.contains("OK ] thread_can_be_cancelled"), "no test was run:\n{said}");
    Ok(())
}

/// From its seven objects, as Debian 13 links it; without C's start files, which
/// are marked there but not in Debian 12's compilers for arm64.
fn postfix_library_keeps_the_marks(build: &&str) -> Result<()> {
    let servers = "single_server multi_server trigger_server event_server dgram_server";
    compile(&format!("master_proto mail_flow {servers}"))?;
    for linker in ["aarch64-linux-gnu-ld.bfd", "aarch64-linux-gnu-ld.gold", "ld.lld", "ld.mold"] {
        let link = |object: &str| {
            sh!("file=/tmp/library.so
                {linker} -shared -z relro -z now -o $file /tmp/*_server.o /tmp/mail_flow.o {object}
                {MARKS}")
        };
        let c = link("/tmp/master_proto.o")?;
        // Others drop the marks of C objects, too.
        if linker.ends_with("bfd") || linker.ends_with("lld") {
            assert_eq!(c, BOTH, "C, {linker}");
        }
        assert_eq!(link(&format!("build/arch/{build}/master_proto.o"))?, c, "{linker}");
    }
    Ok(())
}
