//! The crate as a dependency of Rust programs with std, under any profile.

use super::note::has_note;
use testenv::prelude::*;

/// Profile, panic, lto; the crate goes into as many objects as the compiler likes.
const PROFILES: [(&str, &str, &str); 6] = [
    ("dev", "unwind", "off"),
    ("dev", "abort", "off"),
    ("release", "unwind", "off"),
    ("release", "abort", "off"),
    ("release", "unwind", "fat"),
    ("release", "abort", "fat"),
];

pub fn cases() -> Vec<Case> {
    PROFILES
        .into_iter()
        .map(|(profile, panic, lto)| {
            let name = format!("product::rust::programs_call::{profile}, panic={panic}, lto={lto}");
            Case::new(name, move || programs_call(profile, panic, lto))
        })
        .collect()
}

/// A program and a library for C, with the crate inside.
fn programs_call(profile: &str, panic: &str, lto: &str) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(scratch());
    let checkout = checkout();
    let checkout = checkout.display();
    sh.write_file(
        "Cargo.toml",
        format!(
            "[package]\nname = 'program'\nedition = '2024'\n\
             [lib]\nname = 'library'\ncrate-type = ['cdylib']\n\
             [dependencies]\nmaster_proto = {{ path = '{checkout}' }}\n\
             [profile.{profile}]\npanic = '{panic}'\nlto = '{lto}'\ncodegen-units = 16\n"
        ),
    )?;
    sh.write_file(
        "src/main.rs",
        "fn main() {\n    \
             let call = || master_proto::master_notify(1, 2, 3);\n    \
             assert_eq!(std::thread::spawn(call).join().unwrap(), 0);\n}\n",
    )?;
    sh.write_file(
        "src/lib.rs",
        "#[unsafe(no_mangle)]\npub extern \"C\" fn call() -> i32 {\n    \
             master_proto::master_notify(1, 2, 3)\n}\n",
    )?;
    // Postfix's symbols, for those that have them.
    sh.write_file(
        "msg.c",
        "#include <stdarg.h>\n#include <stdio.h>\n\
         int msg_verbose = 1;\n\
         void msg_info(const char *format, ...) {\n\
         va_list list; va_start(list, format); vprintf(format, list); va_end(list); }\n",
    )?;
    sh.write_file("caller.c", "int call(void);\nint main(void) { return call(); }\n")?;
    cmd!(sh, "gcc -c msg.c -o msg.o").run()?;

    cmd!(sh, "cargo build --quiet --profile {profile}").run()?;
    let built = scratch().join("target").join(if profile == "dev" { "debug" } else { profile });
    let program = built.join("program");
    has_note(&program)?;
    assert_eq!(said(&program)?, "", "without msg_info");

    let library = built.join("liblibrary.so");
    has_note(&library)?;
    cmd!(sh, "gcc caller.c msg.o {library} -Wl,-rpath,{built} -o caller").run()?;
    assert_eq!(said(Path::new("/tmp/caller"))?, "master_notify: status 3");
    let exported = cmd!(sh, "nm -D --defined-only {library}").read()?;
    assert!(!exported.contains("master_proto_msg"), "{exported}");

    cmd!(sh, "cargo rustc --quiet --profile {profile} --bin program -- -C link-arg=/tmp/msg.o")
        .run()?;
    assert_eq!(said(&program)?, "master_notify: status 3");
    Ok(())
}

/// What it prints. It must have sent its message to descriptor 5.
fn said(program: &Path) -> Result<String> {
    let sh = Shell::new()?;
    let said = cmd!(sh, "sh -c '\"$0\" 5>/tmp/message' {program}").read()?;
    let message = sh.read_binary_file("/tmp/message")?;
    assert_eq!(message, [1_i32, 2, 3].map(i32::to_ne_bytes).concat());
    Ok(said)
}
