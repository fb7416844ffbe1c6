//! Branch protection on arm64, BTI and PAC: the kernel enforces the first in every
//! program whose GNU property note claims it.

use tests::prelude::*;

/// Built by the oldest Rust and by the newest.
const BUILDS: [&str; 2] = ["build/arch/arm64", "build/arch/arm64_newest"];
const BOTH: &str = "AArch64 feature: BTI, PAC";
/// For scripts: prints the properties in the note of a file.
const PROPERTIES: &str = "properties() { readelf -nW $1 | sed -n 's/.*Properties: *//p'; }";

fn for_each_build(check: impl Fn(&str) -> Result) -> Result {
    sandbox(|| {
        for build in BUILDS {
            check(build).context(build)?;
        }
        Ok(())
    })
}

#[test]
fn artefacts_carry_bti_and_pac() -> Result {
    for_each_build(|build| {
        sh!("{PROPERTIES}
            for name in master_proto.o libmaster_proto.a libmaster_proto.so; do
                test \"$(properties {build}/$name)\" = '{BOTH}'
            done")?;
        Ok(())
    })
}

/// A landing pad first; no jump through a register other than those that a landing pad
/// for calls admits, so no jump table either; each return address authenticated.
#[test]
fn code_meets_the_note() -> Result {
    for_each_build(|build| {
        for name in ["master_proto.o", "libmaster_proto.so"] {
            let code =
                sh!("aarch64-linux-gnu-objdump --no-show-raw-insn --disassemble=master_notify \
                {build}/{name} | sed -n 's/^ *[0-9a-f]*:[[:space:]]*//p'")?;
            let count = |text: &str| code.lines().filter(|line| line.starts_with(text)).count();
            ensure!(code.starts_with("paciasp") || code.starts_with("bti"), "{code}");
            ensure!(count("ret") > 0 && count("ret") == count("autiasp"), "{code}");
            ensure!(count("br\t") == count("br\tx16") + count("br\tx17"), "{code}");
        }
        Ok(())
    })
}

/// Compiled with the same branch protection and stack protector.
#[test]
fn object_is_no_larger_than_c() -> Result {
    for_each_build(|build| {
        compile("master_proto")?;
        sh!("size() {{ command size $1 | awk 'NR == 2 {{ print $1 + $2 }}'; }}
            test $(size {build}/master_proto.o) -le $(size $TMPDIR/master_proto.o)")?;
        Ok(())
    })
}

/// Compiles files of Postfix's src/master with the options of Debian 13 for arm64.
fn compile(names: &str) -> Result {
    sh!("tree=$TREES/static
        system=$(sed -n 's/^SYSTYPE[[:space:]]*=[[:space:]]*//p' $tree/conf/makedefs.out)
        for name in {names}; do
            aarch64-linux-gnu-gcc -O2 -fPIC -fstack-protector-strong -mbranch-protection=standard \
                -DNO_DB -DNO_NIS -DNO_EAI -w -D$system -I $tree/include -I $tree/src/master \
                -c $tree/src/master/$name.c -o $TMPDIR/$name.o
        done")?;
    Ok(())
}

/// Builds $TMPDIR/unprotected/master_proto.o without landing pads and note.
fn build_unprotected() -> Result {
    sh!(
        "{PROPERTIES}
        export RUSTC=\"$PWD/build/arch/rustc-{}/rustc\" TARGET=aarch64-unknown-linux-gnu
        OBJCOPY=aarch64-linux-gnu-objcopy BRANCH_PROTECTION=0 LINK=0 tools/build $TMPDIR/unprotected
        test -z \"$(properties $TMPDIR/unprotected/master_proto.o)\"",
        manifest("rust-version")?
    )?;
    Ok(())
}

/// The linker's option sets the property for an object that lacks it, with a warning.
#[test]
fn linker_that_demands_bti_takes_ours_alone() -> Result {
    for_each_build(|build| {
        build_unprotected()?;
        sh!("link() {{
                aarch64-linux-gnu-gcc -shared -nostdlib -Wl,-z,force-bti -Wl,--fatal-warnings \
                    $1 -o $TMPDIR/linked.so
            }}
            link {build}/master_proto.o
            if link $TMPDIR/unprotected/master_proto.o 2>$TMPDIR/said; then exit 1; fi
            grep 'do not have BTI' $TMPDIR/said")?;
        Ok(())
    })
}

/// Code without landing pads that claims BTI dies, so it is enforced.
#[test]
fn call_by_pointer_runs_with_bti_enforced() -> Result {
    for_each_build(|build| {
        let run = "qemu-aarch64-static -cpu max $TMPDIR/program";
        let link = |object: &str, option: &str| {
            sh!("{PROPERTIES}
                aarch64-linux-gnu-gcc -O2 -mbranch-protection=standard -fno-stack-protector -nostdlib \
                    -static {option} -I include c_tests/by_pointer.c {object} -o $TMPDIR/program
                properties $TMPDIR/program")
        };
        assert_eq!(link(&format!("{build}/master_proto.o"), "")?, BOTH);
        calls_by(run)?;

        build_unprotected()?;
        let unprotected = "$TMPDIR/unprotected/master_proto.o";
        assert_eq!(link(unprotected, "")?, "", "one object lacks the note");
        calls_by(run)?;
        assert_eq!(link(unprotected, "-Wl,-z,force-bti")?, "AArch64 feature: BTI");
        assert_eq!(sh!("{run} 5>$TMPDIR/sent || echo $?")?, "132", "SIGILL");
        Ok(())
    })
}

#[test]
fn cancelled_thread_unwinds_the_signed_address() -> Result {
    for_each_build(|build| {
        sh!("make --silent -C c_tests check TESTS=contexts FILTER='thread_can_be_cancelled*' OUT=$TMPDIR \
                CC=aarch64-linux-gnu-gcc CFLAGS='-O2 -I ../build/arch/cmocka/include' \
                CMOCKA=../{build}/cmocka.o IMPL=../{build}/master_proto.o \
                RUN='qemu-aarch64-static -cpu max -L /usr/aarch64-linux-gnu'
            grep 'OK ] thread_can_be_cancelled' $TMPDIR/contexts.log")?;
        Ok(())
    })
}

/// Linked from its seven objects as in Debian 13, but without C's start files: Debian
/// 12's cross compilers lack the note in theirs.
#[test]
fn postfix_library_keeps_the_properties() -> Result {
    for_each_build(|build| {
        let servers = "single_server multi_server trigger_server event_server dgram_server";
        compile(&format!("master_proto mail_flow {servers}"))?;
        for linker in ["aarch64-linux-gnu-ld.bfd", "aarch64-linux-gnu-ld.gold", "ld.lld", "ld.mold"]
        {
            let link = |object: &str| {
                sh!("{PROPERTIES}
                    {linker} -shared -z relro -z now -o $TMPDIR/library.so \
                        $TMPDIR/*_server.o $TMPDIR/mail_flow.o {object}
                    properties $TMPDIR/library.so")
            };
            let c = link("$TMPDIR/master_proto.o")?;
            // The others drop the properties of C objects, too.
            if linker.ends_with("bfd") || linker.ends_with("lld") {
                assert_eq!(c, BOTH, "C, {linker}");
            }
            assert_eq!(link(&format!("{build}/master_proto.o"))?, c, "{linker}");
        }
        Ok(())
    })
}
