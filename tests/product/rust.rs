//! The crate as a dependency of Rust programs with std.

use super::note::has_note;
use tests::prelude::*;

/// Tests named after a profile, with its settings of panic and lto; the crate goes
/// into as many objects as the compiler likes.
macro_rules! programs_call {
    ($($test:ident: $profile:literal, $panic:literal, $lto:literal;)+) => {$(
        #[test]
        fn $test() -> Result {
            sandbox(|| programs_call($profile, $panic, $lto))
        }
    )+};
}
programs_call! {
    programs_call_with_dev_unwind: "dev", "unwind", "off";
    programs_call_with_dev_abort: "dev", "abort", "off";
    programs_call_with_release_unwind: "release", "unwind", "off";
    programs_call_with_release_abort_lto: "release", "abort", "fat";
}

/// A Rust program, and a C program with a Rust library, each with the crate inside.
/// Both load libmsg.so, which first has Postfix's symbols and then has none.
fn programs_call(profile: &str, panic: &str, lto: &str) -> Result {
    let built = if profile == "dev" { "$TMPDIR/target/debug" } else { "$TMPDIR/target/release" };
    sh!(r#"mkdir $TMPDIR/src
        cd $TMPDIR
        echo "
            [package]
            name = 'program'
            edition = '2024'
            [lib]
            name = 'library'
            crate-type = ['cdylib']
            [dependencies]
            master_proto = {{ path = '$CHECKOUT' }}
            [profile.{profile}]
            panic = '{panic}'
            lto = '{lto}'
            codegen-units = 16" >Cargo.toml
        echo 'fn main() {{
            let call = || unsafe {{ master_proto::master_notify(1, 2, 3) }};
            assert_eq!(std::thread::spawn(call).join().unwrap(), 0);
        }}' >src/main.rs
        echo '#[unsafe(no_mangle)] pub extern "C" fn call() -> i32 {{
            unsafe {{ master_proto::master_notify(1, 2, 3) }}
        }}' >src/lib.rs
        echo '#include <stdarg.h>
            #include <stdio.h>
            int msg_verbose = 1;
            void msg_info(const char *format, ...) {{
                va_list list; va_start(list, format); vprintf(format, list); va_end(list); }}' >msg.c
        echo 'int call(void); int main(void) {{ return call(); }}' >caller.c
        gcc -shared -fPIC msg.c -o libmsg.so
        RUSTFLAGS="-C link-args=-Wl,--no-as-needed,$TMPDIR/libmsg.so" \
            cargo build --quiet --profile {profile}
        gcc caller.c {built}/liblibrary.so -Wl,-rpath,{built} -o caller
        # cargo also links this library, which nothing uses.
        if readelf -d {built}/program {built}/liblibrary.so | grep libmaster_proto >&2; then exit 1; fi
        nm -D --defined-only {built}/liblibrary.so >exported
        grep -w call exported
        if grep master_proto_msg exported; then exit 1; fi"#)?;
    has_note(&format!("{built}/program {built}/liblibrary.so"))?;
    let all_log = |expected: &str| -> Result {
        for program in [format!("{built}/program"), "$TMPDIR/caller".to_owned()] {
            calls_by(&format!("{program} >$TMPDIR/said"))?;
            let said = std::fs::read_to_string(scratch().join("said"))?;
            ensure!(said == expected, "{program}: {said}");
        }
        Ok(())
    };
    all_log("master_notify: status 3")?;
    script("gcc -shared -x c /dev/null -o $TMPDIR/libmsg.so")?;
    all_log("")
}
