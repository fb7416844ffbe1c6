//! The marks by which linkers and kernels know code that meets indirect branch
//! tracking and shadow stacks. Those of arm64: tests/platforms/marks.rs.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        artefacts_carry_ibt_and_shstk,
        code_begins_with_a_landing_pad_and_has_no_jump_table,
        marks_0_gives_neither_mark_nor_pad,
        compiler_gives_no_mark_and_one_line for UNABLE,
        linker_that_demands_marks_takes_ours_alone,
        library_keeps_the_marks_of_its_objects for super::LINKERS,
    ]
}

/// In scripts: what is marked in a file; the instructions of `master_notify`.
const LOOK: &str = "marks() { readelf -nW $1 | sed -n 's/.*Properties: //p'; }
    code() { objdump -d --no-show-raw-insn $1 | sed '1,/<master_notify>:/d; s/.*:\t//'; }";

fn artefacts_carry_ibt_and_shstk() -> Result<()> {
    sh!("{LOOK}
        cd build
        for file in *master_proto.[oa] libmaster_proto.so strong/master_proto.o; do
            test \"$(marks $file)\" = 'x86 feature: IBT, SHSTK'
        done")?;
    Ok(())
}

/// A jump through a table would need a mark of its own, which nobody makes.
fn code_begins_with_a_landing_pad_and_has_no_jump_table() -> Result<()> {
    sh!("{LOOK}
        cd build
        for file in master_proto.o libmaster_proto.so strong/master_proto.o; do
            code $file >/tmp/code
            head -n 1 /tmp/code | grep -x 'endbr64 *'
            if grep -E 'jmp.*\\*|notrack' /tmp/code; then exit 1; fi
        done")?;
    Ok(())
}

/// Builds without marks, and returns what is said.
fn unmarked(setting: &str) -> Result<String> {
    sh!("{LOOK}
        {setting} tools/build /tmp/built
        for file in /tmp/built/master_proto.o /tmp/built/libmaster_proto.so; do
            test -z \"$(marks $file)\"
            code $file >/tmp/code
            test -s /tmp/code
            if grep endbr64 /tmp/code; then exit 1; fi
        done")
}

fn marks_0_gives_neither_mark_nor_pad() -> Result<()> {
    let said = unmarked("MARKS=0")?;
    ensure!(!said.contains("no marks"), "it was asked for: {said}");
    Ok(())
}

/// What a compiler does before it is `rustc`.
const UNABLE: [(&str, &str); 2] = [
    ("without_the_option", "case \" $* \" in *x86-indirect-branch-tracking*) exit 1 ;; esac"),
    // The note alone would be a false mark.
    (
        "that_ignores_the_option",
        "for word do shift; set -- \"$@\" \"${word/llvm-args=*/lto=fat}\"; done",
    ),
];

/// Besides the three lines for what was built.
fn compiler_gives_no_mark_and_one_line((_, before): &(&str, &str)) -> Result<()> {
    std::fs::write("/tmp/rustc", format!("#!/bin/bash\n{before}\nexec rustc \"$@\"\n"))?;
    let said = unmarked("chmod +x /tmp/rustc; RUSTC=/tmp/rustc")?;
    let line = "build: no marks (IBT, SHSTK), since this compiler makes no landing pads.";
    ensure!(said.starts_with(line) && said.lines().count() == 4, "{said}");
    Ok(())
}

fn linker_that_demands_marks_takes_ours_alone() -> Result<()> {
    sh!("MARKS=0 tools/build /tmp/unmarked
        for linker in bfd lld; do
            link=\"clang -fuse-ld=$linker -shared -nostdlib -Wl,-z,cet-report=error -o /tmp/linked.so\"
            $link build/master_proto.o
            if $link /tmp/unmarked/master_proto.o 2>/tmp/said; then exit 1; fi
            grep IBT /tmp/said
        done")?;
    Ok(())
}

/// As Postfix's own objects are in libpostfix-master.so where a distribution
/// compiles with branch protection.
fn library_keeps_the_marks_of_its_objects(linker: &str) -> Result<()> {
    sh!("{LOOK}
        echo 'int other(void) {{ return 1; }}' >/tmp/other.c
        gcc -fuse-ld={linker} -shared -fPIC -nostdlib -fcf-protection -O2 \
            /tmp/other.c build/master_proto.o -o /tmp/library.so
        test \"$(marks /tmp/library.so)\" = 'x86 feature: IBT, SHSTK'")?;
    Ok(())
}
