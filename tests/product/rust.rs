//! The crate as a dependency of Rust programs with std, under any profile.

use super::note::has_note;
use testenv::prelude::*;

/// Profile, panic, lto; the crate goes into as many objects as the compiler likes.
const PROFILES: [&str; 6] = [
    "dev, unwind, off",
    "dev, abort, off",
    "release, unwind, off",
    "release, abort, off",
    "release, unwind, fat",
    "release, abort, fat",
];

pub fn cases() -> Vec<Case> {
    testenv::cases![programs_call for PROFILES]
}

/// A program and a library for C, with the crate inside.
fn programs_call(settings: &str) -> Result<()> {
    let [profile, panic, lto] = settings.split(", ").collect::<Vec<_>>()[..] else {
        bail!("{settings}")
    };
    let sh = Shell::new()?;
    let checkout = checkout();
    let checkout = checkout.display();
    sh.write_file(
        "/tmp/Cargo.toml",
        format!(
            "[package]
            name = 'program'
            edition = '2024'
            [lib]
            name = 'library'
            crate-type = ['cdylib']
            [dependencies]
            master_proto = {{ path = '{checkout}' }}
            [profile.{profile}]
            panic = '{panic}'
            lto = '{lto}'
            codegen-units = 16"
        ),
    )?;
    sh.write_file(
        "/tmp/src/main.rs",
        "fn main() {
            let call = || master_proto::master_notify(1, 2, 3);
            assert_eq!(std::thread::spawn(call).join().unwrap(), 0);
        }",
    )?;
    sh.write_file(
        "/tmp/src/lib.rs",
        "#[unsafe(no_mangle)]
        pub extern \"C\" fn call() -> i32 { master_proto::master_notify(1, 2, 3) }",
    )?;
    // Postfix's symbols, for those that have them.
    sh.write_file(
        "/tmp/msg.c",
        "#include <stdarg.h>
        #include <stdio.h>
        int msg_verbose = 1;
        void msg_info(const char *format, ...) {
            va_list list; va_start(list, format); vprintf(format, list); va_end(list); }",
    )?;
    sh.write_file("/tmp/caller.c", "int call(void); int main(void) { return call(); }")?;

    let built = if profile == "dev" { "/tmp/target/debug" } else { "/tmp/target/release" };
    let (program, library) = (format!("{built}/program"), format!("{built}/liblibrary.so"));
    sh!("cd /tmp; cargo build --quiet --profile {profile}")?;
    has_note(&program)?;
    assert_eq!(said(&program)?, "", "without msg_info");

    has_note(&library)?;
    sh!("cd /tmp; gcc -c msg.c; gcc caller.c msg.o {library} -Wl,-rpath,{built} -o caller")?;
    assert_eq!(said("/tmp/caller")?, "master_notify: status 3");
    let exported = sh!("nm -D --defined-only {library}")?;
    assert!(!exported.contains("master_proto_msg"), "{exported}");

    sh!("cd /tmp
        cargo rustc --quiet --profile {profile} --bin program -- -C link-arg=/tmp/msg.o")?;
    assert_eq!(said(&program)?, "master_notify: status 3");
    Ok(())
}

/// What it prints, besides the call.
fn said(program: &str) -> Result<String> {
    calls_by(&format!("{program} >/tmp/said"))?;
    Ok(std::fs::read_to_string("/tmp/said")?)
}
