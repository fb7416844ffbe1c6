//! The marks by which linkers and kernels know code that meets indirect branch
//! tracking and shadow stacks. Those of arm64: tests/platforms/marks.rs.

use testenv::artefacts::named;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![
        artefacts_carry_ibt_and_shstk,
        code_begins_with_a_landing_pad_and_has_no_jump_table,
        marks_0_gives_neither_mark_nor_pad,
        compiler_without_the_option_gives_no_mark_and_one_line,
        compiler_that_ignores_the_option_gives_no_mark_and_one_line,
        linker_that_demands_marks_takes_ours_alone,
    ];
    cases.extend(["bfd", "gold", "lld", "mold"].map(|linker| {
        let name = format!("product::marks::library_keeps_the_marks_of_its_objects::{linker}");
        Case::new(name, move || library_keeps_the_marks_of_its_objects(linker))
    }));
    cases
}

const BOTH: &str = "x86 feature: IBT, SHSTK";

/// What is marked in a file; nothing, if it has no such note.
fn marks(file: &Path) -> Result<String> {
    let sh = Shell::new()?;
    let notes = cmd!(sh, "readelf -nW {file}").read()?;
    let line = notes.lines().find_map(|line| line.split_once("Properties: "));
    Ok(line.map_or_else(String::new, |(_, marks)| marks.trim().to_owned()))
}

/// The instructions of `master_notify`, one a line.
fn code(file: &Path) -> Result<Vec<String>> {
    let sh = Shell::new()?;
    let text = cmd!(sh, "objdump -d --no-show-raw-insn {file}").read()?;
    let lines = text.lines().skip_while(|line| !line.ends_with("<master_notify>:"));
    let code: Vec<_> = lines
        .skip(1)
        .filter_map(|line| Some(line.split_once(":\t")?.1.trim().to_owned()))
        .collect();
    ensure!(!code.is_empty(), "no code in {text}");
    Ok(code)
}

fn artefacts_carry_ibt_and_shstk() -> Result<()> {
    for name in ["object", "archive", "shared", "strong-object"] {
        assert_eq!(marks(&named(name).file)?, BOTH, "{name}");
    }
    Ok(())
}

/// A jump through a table would need a mark of its own, which nobody makes.
fn code_begins_with_a_landing_pad_and_has_no_jump_table() -> Result<()> {
    for name in ["object", "shared", "strong-object"] {
        let code = code(&named(name).file)?;
        assert_eq!(code[0], "endbr64", "{name}");
        for line in &code {
            assert!(!(line.contains("jmp") && line.contains('*')), "{line}");
            assert!(!line.contains("notrack"), "{line}");
        }
    }
    Ok(())
}

/// Builds without marks, with the given compiler, and returns what is said.
fn unmarked(folder: &str, setting: (&str, &str)) -> Result<String> {
    let sh = Shell::new()?;
    let _setting = sh.push_env(setting.0, setting.1);
    let said = cmd!(sh, "tools/build {folder}").read()?;
    eprintln!("{said}");
    for name in ["master_proto.o", "libmaster_proto.so"] {
        let file = Path::new(folder).join(name);
        assert_eq!(marks(&file)?, "", "{name}");
        assert_ne!(code(&file)?[0], "endbr64", "{name}");
    }
    Ok(said)
}

fn marks_0_gives_neither_mark_nor_pad() -> Result<()> {
    let said = unmarked("/tmp/built", ("MARKS", "0"))?;
    assert!(!said.contains("no marks"), "it was asked for: {said}");
    Ok(())
}

/// A compiler that is `rustc` after the given lines of the shell.
fn compiler(lines: &str) -> Result<()> {
    let sh = Shell::new()?;
    sh.write_file("/tmp/rustc", format!("#!/bin/bash\n{lines}\nexec rustc \"$@\"\n"))?;
    Ok(cmd!(sh, "chmod +x /tmp/rustc").run()?)
}

fn compiler_without_the_option_gives_no_mark_and_one_line() -> Result<()> {
    compiler("case \" $* \" in *x86-indirect-branch-tracking*) exit 1 ;; esac")?;
    said_once(&unmarked("/tmp/built", ("RUSTC", "/tmp/rustc"))?)
}

/// The note alone would be a false mark.
fn compiler_that_ignores_the_option_gives_no_mark_and_one_line() -> Result<()> {
    let without = "for word do shift; case $word in llvm-args=*) word=lto=fat ;; esac; set -- \"$@\" \"$word\"; done";
    compiler(without)?;
    said_once(&unmarked("/tmp/built", ("RUSTC", "/tmp/rustc"))?)
}

/// Besides the three lines for what was built.
fn said_once(said: &str) -> Result<()> {
    let line = "build: no marks (IBT, SHSTK), since this compiler makes no landing pads.";
    assert_eq!(said.lines().next(), Some(line));
    assert_eq!(said.lines().count(), 4, "{said}");
    Ok(())
}

fn linker_that_demands_marks_takes_ours_alone() -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "env MARKS=0 tools/build /tmp/unmarked").run()?;
    for linker in ["bfd", "lld"] {
        let link = |object: &Path| {
            cmd!(
                sh,
                "clang -fuse-ld={linker} -shared -nostdlib -Wl,-z,cet-report=error {object} -o /tmp/linked.so"
            )
        };
        link(&artefact("master_proto.o")).run()?;
        let refused = link(Path::new("/tmp/unmarked/master_proto.o")).ignore_status();
        let said = refused.read_stderr()?;
        ensure!(
            said.contains("IBT") || said.contains("GNU_PROPERTY_X86_FEATURE_1_IBT"),
            "{linker}: {said}"
        );
    }
    Ok(())
}

/// As Postfix's own objects are in libpostfix-master.so where a distribution
/// compiles with branch protection.
fn library_keeps_the_marks_of_its_objects(linker: &str) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(scratch());
    sh.write_file("other.c", "int other(void) { return 1; }\n")?;
    let ours = artefact("master_proto.o");
    let flags = ["-shared", "-fPIC", "-nostdlib", "-fcf-protection", "-O2"];
    cmd!(sh, "gcc -fuse-ld={linker} {flags...} other.c {ours} -o library.so").run()?;
    assert_eq!(marks(Path::new("/tmp/library.so"))?, BOTH);
    Ok(())
}
