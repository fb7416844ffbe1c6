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

const BOTH: &str = "x86 feature: IBT, SHSTK";

/// What is marked in a file; nothing, if it has no such note.
fn marks(file: &str) -> Result<String> {
    let notes = sh!("readelf -nW {file}")?;
    let line = notes.lines().find_map(|line| line.split_once("Properties: "));
    Ok(line.map_or_else(String::new, |(_, marks)| marks.trim().to_owned()))
}

/// The instructions of `master_notify`, one a line.
fn code(file: &str) -> Result<Vec<String>> {
    let text = sh!("objdump -d --no-show-raw-insn {file}")?;
    let (_, code) = text.split_once("<master_notify>:\n").context("no master_notify")?;
    let lines = code.lines().filter_map(|line| Some(line.split_once(":\t")?.1.trim().to_owned()));
    Ok(lines.collect())
}

fn artefacts_carry_ibt_and_shstk() -> Result<()> {
    for name in
        ["master_proto.o", "libmaster_proto.a", "libmaster_proto.so", "strong/master_proto.o"]
    {
        assert_eq!(marks(&format!("build/{name}"))?, BOTH, "{name}");
    }
    Ok(())
}

/// A jump through a table would need a mark of its own, which nobody makes.
fn code_begins_with_a_landing_pad_and_has_no_jump_table() -> Result<()> {
    for name in ["master_proto.o", "libmaster_proto.so", "strong/master_proto.o"] {
        let code = code(&format!("build/{name}"))?;
        assert_eq!(code[0], "endbr64", "{name}");
        for line in &code {
            assert!(!(line.contains("jmp") && line.contains('*')), "{line}");
            assert!(!line.contains("notrack"), "{line}");
        }
    }
    Ok(())
}

/// Builds without marks, and returns what is said.
fn unmarked(setting: &str) -> Result<String> {
    let said = sh!("{setting} tools/build /tmp/built")?;
    for name in ["master_proto.o", "libmaster_proto.so"] {
        let file = format!("/tmp/built/{name}");
        assert_eq!(marks(&file)?, "", "{name}");
        assert_ne!(code(&file)?[0], "endbr64", "{name}");
    }
    Ok(said)
}

fn marks_0_gives_neither_mark_nor_pad() -> Result<()> {
    let said = unmarked("MARKS=0")?;
    assert!(!said.contains("no marks"), "it was asked for: {said}");
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
    assert_eq!(said.lines().next(), Some(line));
    assert_eq!(said.lines().count(), 4, "{said}");
    Ok(())
}

fn linker_that_demands_marks_takes_ours_alone() -> Result<()> {
    sh!("MARKS=0 tools/build /tmp/unmarked")?;
    for linker in ["bfd", "lld"] {
        let said = sh!("link='clang -fuse-ld={linker} -shared -nostdlib -Wl,-z,cet-report=error'
            $link build/master_proto.o -o /tmp/linked.so
            if $link /tmp/unmarked/master_proto.o -o /tmp/linked.so 2>&1; then exit 1; fi")?;
        ensure!(said.contains("IBT"), "{linker}: {said}");
    }
    Ok(())
}

/// As Postfix's own objects are in libpostfix-master.so where a distribution
/// compiles with branch protection.
fn library_keeps_the_marks_of_its_objects(linker: &str) -> Result<()> {
    sh!("echo 'int other(void) {{ return 1; }}' >/tmp/other.c
        gcc -fuse-ld={linker} -shared -fPIC -nostdlib -fcf-protection -O2 \
            /tmp/other.c build/master_proto.o -o /tmp/library.so")?;
    assert_eq!(marks("/tmp/library.so")?, BOTH);
    Ok(())
}
