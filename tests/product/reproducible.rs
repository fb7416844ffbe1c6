//! A build gives the same bytes anywhere, knows nothing of the machine, and with
//! DEBUG=1 gives a debugger what it needs.

use crate::ships::manifest;
use std::fs;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        build_gives_the_same_bytes_in_any_folder,
        debug_build_gives_the_same_bytes_in_any_folder,
        debug_build_has_the_same_code,
        gdb_steps_into_the_shared_library_with_split_off_information,
        gdb_steps_into_the_object,
    ]
    .into_iter()
    .map(|case| case.limit(300))
    .collect()
}

fn library() -> Result<String> {
    Ok(format!("libmaster_proto.so.{}", manifest("version")?))
}

fn build_gives_the_same_bytes_in_any_folder() -> Result<()> {
    build_in_two_folders("0")?;
    for name in ["master_proto.o", &library()?] {
        assert!(!sections(&Path::new("/tmp/first/build").join(name))?.contains(".debug_info"));
    }
    Ok(())
}

fn debug_build_gives_the_same_bytes_in_any_folder() -> Result<()> {
    build_in_two_folders("1")?;
    for name in ["master_proto.o", &library()?] {
        assert!(sections(&Path::new("/tmp/first/build").join(name))?.contains(".debug_info"));
    }
    Ok(())
}

fn sections(file: &Path) -> Result<String> {
    let sh = Shell::new()?;
    Ok(cmd!(sh, "readelf -SW {file}").read()?)
}

/// One after the other, so at different times too.
fn build_in_two_folders(debug: &str) -> Result<()> {
    let second = Path::new("/tmp/a second, deeper/folder");
    for folder in [Path::new("/tmp/first"), second] {
        clone_checkout(folder)?;
        let sh = Shell::new()?;
        sh.change_dir(folder);
        sh.set_var("DEBUG", debug);
        if folder == second {
            sh.set_var("LC_ALL", "C");
            sh.set_var("TZ", "UTC-14");
            sh.set_var("CARGO_BUILD_JOBS", "1");
        }
        cmd!(sh, "make").run()?;
    }
    for name in ["master_proto.o", "libmaster_proto.a", &library()?] {
        let file = Path::new("/tmp/first/build").join(name);
        ensure!(fs::read(&file)? == fs::read(second.join("build").join(name))?, "{name} differs");
        knows_no_path_of_this_machine(&file)?;
    }
    Ok(())
}

/// The folders of the build, of cargo and of the compiler, and any home. A
/// compiler of the system's, in /usr, tells nothing about the machine.
fn knows_no_path_of_this_machine(file: &Path) -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "objcopy --decompress-debug-sections {file} /tmp/plain").run()?;
    let strings = cmd!(sh, "strings -a -n 4 /tmp/plain").quiet().read()?;
    ensure!(strings.contains("master_notify"), "no text in {}", file.display());
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    let compiler = cmd!(sh, "rustc --print sysroot").read()?;
    for path in ["/tmp/", "/mnt/", "/home/", &home, &cargo, &compiler] {
        if path.len() > 1 && path != "/usr" {
            ensure!(!strings.contains(path), "'{path}' is in {}", file.display());
        }
    }
    Ok(())
}

fn debug_build() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(scratch());
    let build = checkout().join("tools/build");
    cmd!(sh, "env DEBUG=1 {build} /tmp/debug").run()?;
    Ok(sh)
}

fn debug_build_has_the_same_code() -> Result<()> {
    let sh = debug_build()?;
    let (plain, debug) = (artefact(&library()?), Path::new("/tmp/debug").join(library()?));
    for (file, text) in [(&plain, "plain.text"), (&debug, "debug.text")] {
        cmd!(sh, "objcopy -O binary --only-section=.text {file} {text}").run()?;
    }
    let text = sh.read_binary_file("plain.text")?;
    ensure!(!text.is_empty());
    ensure!(text == sh.read_binary_file("debug.text")?, "the code differs");
    Ok(())
}

/// What dh_strip does for a -dbgsym package.
fn gdb_steps_into_the_shared_library_with_split_off_information() -> Result<()> {
    let sh = debug_build()?;
    let name = library()?;
    sh.create_dir("lib/.debug")?;
    sh.copy_file(Path::new("/tmp/debug").join(&name), "lib")?;
    let file = format!("lib/{name}");
    let split = format!("lib/.debug/{name}.debug");
    cmd!(sh, "objcopy --only-keep-debug --compress-debug-sections {file} {split}").run()?;
    cmd!(sh, "strip --strip-unneeded --remove-section=.comment --remove-section=.note {file}")
        .run()?;
    cmd!(sh, "objcopy --add-gnu-debuglink={split} {file}").run()?;
    assert!(!sections(&scratch().join(&file))?.contains(".debug_info"));
    cmd!(sh, "ln -s {name} lib/libmaster_proto.so.1").run()?;
    gdb_steps_in(&sh, &["-L", "lib", "-l", &format!(":{name}"), "-Wl,-rpath,/tmp/lib"])
}

fn gdb_steps_into_the_object() -> Result<()> {
    let sh = debug_build()?;
    gdb_steps_in(&sh, &["/tmp/debug/master_proto.o"])
}

/// gdb names the function, its arguments, the file and a line of the function.
fn gdb_steps_in(sh: &Shell, link: &[&str]) -> Result<()> {
    sh.write_file(
        "caller.c",
        "#include <master_proto.h>\nint main(void)\n{\n    return master_notify(11, 22, 33);\n}\n",
    )?;
    let include = checkout().join("include");
    cmd!(sh, "gcc -g -I {include} caller.c {link...} -o caller").run()?;
    let (version, root) = (manifest("version")?, checkout());
    let root = root.display();
    sh.write_file(
        "commands",
        format!(
            "set substitute-path /usr/src/master_proto-{version} {root}\n\
             set debuginfod enabled off\nset breakpoint pending on\n\
             start\nstep\ninfo source\nnext\nbacktrace\n"
        ),
    )?;
    let said = cmd!(sh, "gdb -nx --batch -x commands caller").read()?;
    eprintln!("{said}");

    let source = fs::read_to_string(checkout().join("src/lib.rs"))?;
    let function = source.lines().position(|line| line.contains("extern \"C\" fn master_notify"));
    let function = function.context("the function")? + 1;
    let entered = said.lines().find(|line| {
        line.contains("master_notify") && line.contains("(pid=11, generation=22, status=33)")
    });
    let line: usize = entered
        .and_then(|line| line.rsplit_once("src/lib.rs:")?.1.parse().ok())
        .context("where it is")?;
    ensure!((function..function + 13).contains(&line), "line {line}");
    for text in ["Current source file is", "src/lib.rs"] {
        ensure!(said.contains(text), "no '{text}'");
    }
    // The text of the source is found, too.
    let shown = format!("\n{line}\t");
    ensure!(said.contains(&shown), "no text of line {line}");
    ensure!(said.lines().any(|line| line.starts_with("#1 ") && line.contains("in main")));
    Ok(())
}
