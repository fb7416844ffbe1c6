//! The marks of arm64, BTI and PAC, of which the kernel enforces the first; and
//! the note that says whose code is inside, on every processor.

use std::fs;
use testenv::platforms::{MACHINES, OBJECTS, cmocka_header, folder, minimum_rust};
use testenv::prelude::*;
use testenv::tree;

/// By the oldest Rust and by the newest.
const BUILDS: [&str; 2] = ["arm64", "arm64-newest"];
const BOTH: &str = "AArch64 feature: BTI, PAC";
/// What Debian 13 compiles with for arm64.
const FLAGS: [&str; 4] =
    ["-O2", "-fPIC", "-fstack-protector-strong", "-mbranch-protection=standard"];

pub fn cases() -> Vec<Case> {
    let mut cases =
        testenv::cases![note_is_in_the_object_of_every_elf_platform, macho_object_has_no_note,];
    type Test = fn(&Path) -> Result<()>;
    let tests: [(&str, Test); 7] = [
        ("artefacts_carry_bti_and_pac", artefacts_carry_bti_and_pac),
        ("code_meets_the_marks", code_meets_the_marks),
        ("object_is_no_larger_than_c", object_is_no_larger_than_c),
        ("linker_that_demands_bti_takes_ours_alone", linker_that_demands_bti_takes_ours_alone),
        ("call_by_pointer_runs_with_bti_enforced", call_by_pointer_runs_with_bti_enforced),
        (
            "cancelled_thread_unwinds_the_signed_address",
            cancelled_thread_unwinds_the_signed_address,
        ),
        ("postfix_library_keeps_the_marks", postfix_library_keeps_the_marks),
    ];
    for build in BUILDS {
        for (name, test) in tests {
            let name = format!("marks::{build}::{name}");
            cases.push(Case::new(name, move || test(&folder(build))));
        }
    }
    cases
}

fn marks(file: &Path) -> Result<String> {
    let sh = Shell::new()?;
    let notes = cmd!(sh, "readelf -nW {file}").read()?;
    let line = notes.lines().find_map(|line| line.split_once("Properties: "));
    Ok(line.map_or_else(String::new, |(_, marks)| marks.trim().to_owned()))
}

fn artefacts_carry_bti_and_pac(build: &Path) -> Result<()> {
    for name in ["master_proto.o", "libmaster_proto.a", "libmaster_proto.so"] {
        assert_eq!(marks(&build.join(name))?, BOTH, "{name}");
    }
    Ok(())
}

/// A landing pad first; no jump through a register but those that a pad for
/// calls admits, so no jump table either; each return address authenticated.
fn code_meets_the_marks(build: &Path) -> Result<()> {
    for name in ["master_proto.o", "libmaster_proto.so"] {
        let sh = Shell::new()?;
        let file = build.join(name);
        let text = cmd!(sh, "aarch64-linux-gnu-objdump -d --no-show-raw-insn {file}").read()?;
        let start = text.lines().skip_while(|line| !line.ends_with("<master_notify>:"));
        let code: Vec<Vec<_>> = start
            .skip(1)
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_whitespace().skip(1).collect())
            .collect();
        let first = code.first().context("no code")?;
        ensure!(["paciasp", "bti"].contains(&first[0]), "{first:?}");
        let count = |word: &str| code.iter().filter(|line| line[0] == word).count();
        assert!(count("ret") > 0);
        assert_eq!(count("autiasp"), count("ret"), "{text}");
        for line in code.iter().filter(|line| line[0] == "br") {
            ensure!(["x16", "x17"].contains(&line[1]), "{line:?}");
        }
    }
    Ok(())
}

/// Compiled with the same branch flags and stack protector.
fn object_is_no_larger_than_c(build: &Path) -> Result<()> {
    let tree = tree::stock(tree::Kind::Static);
    compile(&tree, "master_proto")?;
    let ours = loaded(&build.join("master_proto.o"))?;
    let theirs = loaded(Path::new("/tmp/master_proto.o"))?;
    println!("{ours} bytes, and C {theirs}");
    assert!(ours <= theirs);
    Ok(())
}

fn loaded(object: &Path) -> Result<u32> {
    let sh = Shell::new()?;
    let sizes = cmd!(sh, "size {object}").read()?;
    let line = sizes.lines().nth(1).context("no sizes")?;
    line.split_whitespace().take(2).map(|word| Ok(word.parse::<u32>()?)).sum()
}

/// Compiles a file of src/master to /tmp.
fn compile(tree: &Path, name: &str) -> Result<()> {
    let sh = Shell::new()?;
    let system = tree::setting(tree, "SYSTYPE")?;
    let without = ["-DNO_DB", "-DNO_NIS", "-DNO_EAI", "-w"];
    cmd!(sh, "aarch64-linux-gnu-gcc {FLAGS...} {without...} -D{system} -I {tree}/include -I {tree}/src/master -c {tree}/src/master/{name}.c -o /tmp/{name}.o").run()?;
    Ok(())
}

/// The object without pads and mark.
fn unmarked() -> Result<PathBuf> {
    let sh = Shell::new()?;
    sh.set_var("RUSTC", folder(&format!("rust-{}", minimum_rust()?)).join("rustc"));
    sh.set_var("OBJCOPY", "aarch64-linux-gnu-objcopy");
    sh.set_var("TARGET", "aarch64-unknown-linux-gnu");
    cmd!(sh, "env MARKS=0 LINK=0 tools/build /tmp/unmarked").run()?;
    let object = scratch().join("unmarked/master_proto.o");
    assert_eq!(marks(&object)?, "");
    Ok(object)
}

/// The option alone marks an object that has no mark, and says so in a warning.
fn linker_that_demands_bti_takes_ours_alone(build: &Path) -> Result<()> {
    let sh = Shell::new()?;
    let link = |object: &Path| {
        cmd!(
            sh,
            "aarch64-linux-gnu-gcc -shared -nostdlib -Wl,-z,force-bti -Wl,--fatal-warnings {object} -o /tmp/linked.so"
        )
    };
    link(&build.join("master_proto.o")).run()?;
    let object = unmarked()?;
    let said = link(&object).ignore_status().read_stderr()?;
    ensure!(said.contains("do not have BTI"), "{said}");
    ensure!(link(&object).quiet().run().is_err(), "it links: {said}");
    Ok(())
}

/// And with the mark alone it dies, so the mark is enforced.
fn call_by_pointer_runs_with_bti_enforced(build: &Path) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(scratch());
    let (source, include) = (checkout().join("c_tests/by_pointer.c"), checkout().join("include"));
    let flags =
        ["-O2", "-mbranch-protection=standard", "-fno-stack-protector", "-nostdlib", "-static"];
    let link = |object: &Path, option: &[&str]| -> Result<()> {
        Ok(cmd!(
            sh,
            "aarch64-linux-gnu-gcc {flags...} {option...} -I {include} {source} {object} -o program"
        )
        .run()?)
    };
    let run = || -> Result<Option<i32>> {
        let shell = "qemu-aarch64-static -cpu max ./program 5>sent; echo $?";
        let said = cmd!(sh, "sh -c {shell}").read()?;
        Ok(said.lines().last().and_then(|code| code.parse().ok()))
    };
    link(&build.join("master_proto.o"), &[])?;
    assert_eq!(marks(Path::new("/tmp/program"))?, BOTH);
    assert_eq!(run()?, Some(0));
    assert_eq!(fs::read("/tmp/sent")?, [1_i32, 2, 3].map(i32::to_le_bytes).concat());

    let unmarked = unmarked()?;
    link(&unmarked, &[])?;
    assert_eq!(marks(Path::new("/tmp/program"))?, "", "one object has no mark");
    assert_eq!(run()?, Some(0));
    link(&unmarked, &["-Wl,-z,force-bti"])?;
    assert_eq!(marks(Path::new("/tmp/program"))?, "AArch64 feature: BTI");
    assert_eq!(run()?, Some(128 + 4), "SIGILL");
    Ok(())
}

fn cancelled_thread_unwinds_the_signed_address(build: &Path) -> Result<()> {
    let said = sh!(
        "aarch64-linux-gnu-gcc -O2 -fexceptions -pthread -I include -I {} c_tests/contexts.c \
            {build}/master_proto.o {build}/libcmocka.a -o /tmp/program
        export TESTS='thread_can_be_cancelled*'
        qemu-aarch64-static -cpu max -L /usr/aarch64-linux-gnu /tmp/program",
        cmocka_header().display(),
        build = build.display()
    )?;
    ensure!(said.contains("OK ] thread_can_be_cancelled"), "no test was run:\n{said}");
    Ok(())
}

/// From its seven objects, as Debian 13 links it; without C's start files, which
/// are marked there but not in Debian 12's compilers for arm64.
fn postfix_library_keeps_the_marks(build: &Path) -> Result<()> {
    let tree = tree::stock(tree::Kind::Static);
    let sh = Shell::new()?;
    sh.change_dir(scratch());
    let others = [
        "single_server",
        "multi_server",
        "trigger_server",
        "mail_flow",
        "event_server",
        "dgram_server",
    ];
    for name in others {
        compile(&tree, name)?;
    }
    let others = &others.map(|name| format!("{name}.o"));
    let ours = build.join("master_proto.o");
    compile(&tree, "master_proto")?;
    let linkers = ["aarch64-linux-gnu-ld.bfd", "aarch64-linux-gnu-ld.gold", "ld.lld", "ld.mold"];
    for linker in linkers {
        let link = |object: &Path| -> Result<String> {
            let flags = ["-shared", "-z", "relro", "-z", "now", "-o", "library.so"];
            cmd!(sh, "{linker} {flags...} {others...} {object}").run()?;
            marks(Path::new("/tmp/library.so"))
        };
        let c = link(Path::new("master_proto.o"))?;
        // Others drop the marks of C objects, too.
        if linker.ends_with("bfd") || linker.ends_with("lld") {
            assert_eq!(c, BOTH, "C, {linker}");
        }
        assert_eq!(link(&ours)?, c, "{linker}");
    }
    Ok(())
}

fn note_is_in_the_object_of_every_elf_platform() -> Result<()> {
    let sh = Shell::new()?;
    let all = MACHINES.iter().map(|machine| machine.name);
    let all = all.chain(OBJECTS.iter().map(|object| object.target));
    for name in all.filter(|name| !name.contains("apple")) {
        let object = folder(name).join("master_proto.o");
        let notes = cmd!(sh, "readelf -nW {object}").read()?;
        ensure!(notes.contains("  master_proto "), "{name}: {notes}");
    }
    Ok(())
}

fn macho_object_has_no_note() -> Result<()> {
    for object in OBJECTS.iter().filter(|object| object.target.contains("apple")) {
        let data = fs::read(folder(object.target).join("master_proto.o"))?;
        let text = String::from_utf8_lossy(&data);
        assert!(text.contains("_master_notify"));
        assert!(!text.contains(".note"), "{}", object.target);
    }
    Ok(())
}
