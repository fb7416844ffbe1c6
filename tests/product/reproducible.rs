//! A build gives the same bytes anywhere, knows nothing of the machine, and with
//! DEBUG=1 gives a debugger what it needs.

use std::fs;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    slow(testenv::cases![
        build_gives_the_same_bytes_in_any_folder for ["DEBUG=0", "DEBUG=1"],
        debug_build_has_the_same_code,
        gdb_steps_into_the_shared_library_with_split_off_information,
        gdb_steps_into_the_object,
    ])
}

fn has_debug_information(file: &str) -> Result<bool> {
    Ok(sh!("readelf -SW {file}")?.contains(".debug_info"))
}

/// One after the other, so at different times too.
fn build_gives_the_same_bytes_in_any_folder(debug: &str) -> Result<()> {
    let (first, second) = ("/tmp/first", "/tmp/a second, deeper/folder");
    clone_checkout(Path::new(first))?;
    sh!("cd {first}; {debug} make")?;
    clone_checkout(Path::new(second))?;
    sh!("cd '{second}'; LC_ALL=C TZ=UTC-14 CARGO_BUILD_JOBS=1 {debug} make")?;
    for name in ["master_proto.o", "libmaster_proto.so", "libmaster_proto.a"] {
        let file = format!("{first}/build/{name}");
        sh!("cmp {file} '{second}/build/{name}'")?;
        ensure!(has_debug_information(&file)? == (debug == "DEBUG=1"), "{name}");
        knows_no_path_of_this_machine(&file)?;
    }
    Ok(())
}

/// The folders of the build, of cargo and of the compiler, and any home. A
/// compiler of the system's, in /usr, tells nothing about the machine.
fn knows_no_path_of_this_machine(file: &str) -> Result<()> {
    let strings = sh!("objcopy --decompress-debug-sections {file} /tmp/plain
        strings -a -n 4 /tmp/plain")?;
    ensure!(strings.contains("master_notify"), "no text in {file}");
    let paths =
        sh!("echo \"$HOME\"; echo \"${{CARGO_HOME:-$HOME/.cargo}}\"; rustc --print sysroot")?;
    for path in ["/tmp/", "/mnt/", "/home/"].into_iter().chain(paths.lines()) {
        if path.len() > 1 && path != "/usr" {
            ensure!(!strings.contains(path), "'{path}' is in {file}");
        }
    }
    Ok(())
}

fn debug_build_has_the_same_code() -> Result<()> {
    sh!("DEBUG=1 tools/build /tmp/debug
        copy='objcopy -O binary --only-section=.text'
        $copy build/libmaster_proto.so /tmp/plain.text
        $copy /tmp/debug/libmaster_proto.so /tmp/debug.text
        test -s /tmp/plain.text
        cmp /tmp/plain.text /tmp/debug.text")?;
    Ok(())
}

/// What dh_strip does for a -dbgsym package.
fn gdb_steps_into_the_shared_library_with_split_off_information() -> Result<()> {
    let name = format!("libmaster_proto.so.{}", manifest("version")?);
    sh!("DEBUG=1 tools/build /tmp/debug
        mkdir -p /tmp/lib/.debug
        cd /tmp/lib
        cp /tmp/debug/{name} .
        ln -s {name} libmaster_proto.so.1
        objcopy --only-keep-debug --compress-debug-sections {name} .debug/{name}.debug
        strip --strip-unneeded --remove-section=.comment --remove-section=.note {name}
        objcopy --add-gnu-debuglink=.debug/{name}.debug {name}")?;
    ensure!(!has_debug_information(&format!("/tmp/lib/{name}"))?);
    gdb_steps_in(&format!("-L /tmp/lib -l :{name} -Wl,-rpath,/tmp/lib"))
}

fn gdb_steps_into_the_object() -> Result<()> {
    sh!("DEBUG=1 tools/build /tmp/debug")?;
    gdb_steps_in("/tmp/debug/master_proto.o")
}

/// gdb names the function, its arguments, the file and a line of the function.
fn gdb_steps_in(link: &str) -> Result<()> {
    let version = manifest("version")?;
    let said = compile_caller(&format!(
        "gcc -g -I include /tmp/caller.c {link} -o /tmp/caller
        echo \"set substitute-path /usr/src/master_proto-{version} $PWD
            set debuginfod enabled off
            set breakpoint pending on
            start
            step
            info source
            next
            backtrace\" >/tmp/commands
        cd /tmp
        gdb -nx --batch -x commands caller"
    ))?;
    eprintln!("{said}");

    let source = fs::read_to_string(checkout().join("src/lib.rs"))?;
    let function = source.lines().position(|line| line.contains("extern \"C\" fn master_notify"));
    let function = function.context("the function")? + 1;
    let arguments = "(pid=1, generation=2, status=3)";
    let mut entered =
        said.lines().filter(|line| line.contains("master_notify") && line.contains(arguments));
    let line: usize = entered
        .next()
        .and_then(|line| line.rsplit_once("src/lib.rs:")?.1.parse().ok())
        .context("where it is")?;
    ensure!((function..function + 13).contains(&line), "line {line}");
    // The text of the source is found, too.
    for text in ["Current source file is", "src/lib.rs", &format!("\n{line}\t")] {
        ensure!(said.contains(text), "no '{text}'");
    }
    ensure!(said.lines().any(|line| line.starts_with("#1 ") && line.contains("in main")));
    Ok(())
}
