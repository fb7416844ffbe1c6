//! The GNU property note, by which linkers and kernels know code with branch
//! protection: IBT and SHSTK. Those of arm64: tests/platforms.

use tests::prelude::*;

/// For scripts: the properties that a file's note claims; the instructions of
/// `master_notify`.
const LOOK: &str = "properties() { readelf -nW $1 | sed -n 's/.*Properties: //p'; }
    code() { objdump -d --no-show-raw-insn $1 | sed '1,/<master_notify>:/d; s/.*:\t//'; }";

#[test]
fn artefacts_carry_ibt_and_shstk() -> Result {
    sandbox(|| {
        sh!("{LOOK}
            cd build
            for file in *master_proto.[oa] libmaster_proto.so strong/master_proto.o; do
                test \"$(properties $file)\" = 'x86 feature: IBT, SHSTK'
            done")
    })
}

/// A jump through a table would need a landing pad at each of its targets, and LLVM
/// makes none there.
#[test]
fn code_begins_with_a_landing_pad_and_has_no_jump_table() -> Result {
    sandbox(|| {
        sh!("{LOOK}
            cd build
            for file in master_proto.o libmaster_proto.so strong/master_proto.o; do
                code $file >$TMPDIR/code
                head -n 1 $TMPDIR/code | grep -x 'endbr64 *'
                if grep -E 'jmp.*\\*|notrack' $TMPDIR/code; then exit 1; fi
            done")
    })
}

/// Builds after a setting, must get no branch protection, and returns what is said.
fn unprotected(setting: &str) -> Result<String> {
    sh!("{LOOK}
        {setting} tools/build $TMPDIR/built 2>&1
        for file in $TMPDIR/built/master_proto.o $TMPDIR/built/libmaster_proto.so; do
            test -z \"$(properties $file)\"
            code $file >$TMPDIR/code
            test -s $TMPDIR/code
            if grep endbr64 $TMPDIR/code; then exit 1; fi
        done")
}

#[test]
fn branch_protection_0_gives_neither_note_nor_landing_pad() -> Result {
    sandbox(|| {
        let said = unprotected("BRANCH_PROTECTION=0")?;
        ensure!(!said.contains("warning"), "it was asked for: {said}");
        Ok(())
    })
}

/// A compiler that refuses LLVM's option, and one that ignores it, whose code must
/// not carry the note.
#[test]
fn compiler_without_branch_protection_gives_one_line() -> Result {
    sandbox(|| {
        for (before, reason) in [
            (
                "case \" $* \" in *x86-indirect-branch-tracking*) echo unknown >&2; exit 1 ;; esac",
                "unknown",
            ),
            (
                "for word do shift; set -- \"$@\" \"${word/llvm-args=*/lto=fat}\"; done",
                "master_proto.o has the GNU property note of branch protection, and no landing pad",
            ),
        ] {
            let rustc = format!("#!/bin/bash\n{before}\nexec rustc \"$@\"\n");
            std::fs::write(scratch().join("rustc"), rustc)?;
            let said = unprotected("chmod +x $TMPDIR/rustc; RUSTC=$TMPDIR/rustc")?;
            let (line, artefacts) = said.split_once('\n').unwrap_or_default();
            let warning = "build: warning: built without branch protection: ";
            ensure!(line.starts_with(warning) && line.ends_with(reason), "{said}");
            ensure!(artefacts.lines().count() == 3, "{said}");
        }
        Ok(())
    })
}

#[test]
fn linker_that_demands_branch_protection_takes_ours_alone() -> Result {
    sandbox(|| {
        sh!("BRANCH_PROTECTION=0 tools/build $TMPDIR/unprotected
            for linker in bfd lld; do
                link=\"clang -fuse-ld=$linker -shared -nostdlib -Wl,-z,cet-report=error -o $TMPDIR/linked.so\"
                $link build/master_proto.o
                if $link $TMPDIR/unprotected/master_proto.o 2>$TMPDIR/said; then exit 1; fi
                grep IBT $TMPDIR/said
            done")
    })
}

/// As in the libpostfix-master.so of a distribution that compiles with branch
/// protection.
#[test]
fn library_keeps_the_branch_protection_of_its_objects() -> Result {
    sandbox(|| {
        sh!(
            "{LOOK}
            echo 'int other(void) {{ return 1; }}' >$TMPDIR/other.c
            for linker in {}; do
                gcc -fuse-ld=$linker -shared -fPIC -nostdlib -fcf-protection -O2 \
                    $TMPDIR/other.c build/master_proto.o -o $TMPDIR/library.so
                test \"$(properties $TMPDIR/library.so)\" = 'x86 feature: IBT, SHSTK'
            done",
            super::LINKERS.join(" ")
        )
    })
}
