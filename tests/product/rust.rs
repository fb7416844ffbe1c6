//! The crate as a dependency of Rust programs with std, under profiles that differ
//! in all that matters to it.

use super::note::has_note;
use testenv::prelude::*;

/// Profile, panic, lto; the crate goes into as many objects as the compiler likes.
const PROFILES: [&str; 4] =
    ["dev, unwind, off", "dev, abort, off", "release, unwind, off", "release, abort, fat"];

pub fn cases() -> Vec<Case> {
    testenv::cases![programs_call for PROFILES]
}

/// A program and a library for C, with the crate inside. Both load /tmp/libmsg.so,
/// which has Postfix's symbols first and nothing then.
fn programs_call(settings: &str) -> Result<()> {
    let [profile, panic, lto] = settings.split(", ").collect::<Vec<_>>()[..] else {
        bail!("{settings}")
    };
    let built = if profile == "dev" { "/tmp/target/debug" } else { "/tmp/target/release" };
    sh!(r#"checkout=$PWD
        mkdir /tmp/src
        cd /tmp
        echo "
            [package]
            name = 'program'
            edition = '2024'
            [lib]
            name = 'library'
            crate-type = ['cdylib']
            [dependencies]
            master_proto = {{ path = '$checkout' }}
            [profile.{profile}]
            panic = '{panic}'
            lto = '{lto}'
            codegen-units = 16" >Cargo.toml
        echo 'fn main() {{
            let call = || unsafe {{ master_proto::master_notify(1, 2, 3) }};
            assert_eq!(std::thread::spawn(call).join().unwrap(), 0);
        }}' >src/main.rs
        echo '#[unsafe(no_mangle)]
            pub extern "C" fn call() -> i32 {{ unsafe {{ master_proto::master_notify(1, 2, 3) }} }}' >src/lib.rs
        echo '#include <stdarg.h>
            #include <stdio.h>
            int msg_verbose = 1;
            void msg_info(const char *format, ...) {{
                va_list list; va_start(list, format); vprintf(format, list); va_end(list); }}' >msg.c
        echo 'int call(void); int main(void) {{ return call(); }}' >caller.c
        gcc -shared -fPIC msg.c -o libmsg.so
        RUSTFLAGS='-C link-args=-Wl,--no-as-needed,/tmp/libmsg.so' \
            cargo build --quiet --profile {profile}
        gcc caller.c {built}/liblibrary.so -Wl,-rpath,{built} -o caller
        nm -D --defined-only {built}/liblibrary.so >exported
        if grep master_proto_msg exported; then exit 1; fi"#)?;
    has_note(&format!("{built}/program {built}/liblibrary.so"))?;
    let programs = [format!("{built}/program"), "/tmp/caller".to_owned()];
    let all_say = |expected: &str| -> Result<()> {
        for program in &programs {
            calls_by(&format!("{program} >/tmp/said"))?;
            let said = std::fs::read_to_string("/tmp/said")?;
            ensure!(said == expected, "{program}: {said}");
        }
        Ok(())
    };
    all_say("master_notify: status 3")?;
    sh!("gcc -shared -x c /dev/null -o /tmp/libmsg.so")?;
    all_say("")
}
