//! What is not identical to the C object, as docs/behaviour.md says it, but for
//! the marks. Each case fails when the difference that it names is gone, or
//! another has come.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        c_references_are_strong_and_ours_weak,
        weak_references_pull_nothing_out_of_an_archive,
        weak_references_keep_no_library_under_as_needed,
        write_is_bound_at_load,
        object_has_no_stack_protector,
        sections_are_named_otherwise,
    ]
}

/// The functions of the scripts here. `link` makes a program of an object and
/// a caller that names no msg symbol, which are in libmsg.a, libmsg.so and
/// msg.o. The program makes a call that fails; it ends with 42 where that is
/// logged, with 0 where not.
const FUNCTIONS: &str = r#"
    c=$PWD/build/original/original.o
    ours=$PWD/build/master_proto.o
    cd /tmp
    is() { test "$1" = "$2" || { echo "'$1' is not '$2'" >&2; exit 1; }; }
    undefined() { nm -u "$1" | sort | xargs; }
    echo 'int master_notify(int, unsigned, int);
        int main(void) { return master_notify(1, 2, 3) + 1; }' >caller.c
    echo '#include <unistd.h>
        int msg_verbose = 1;
        void msg_info(const char *format, ...) { _exit(*format == 37 ? 42 : 43); }' >msg.c
    gcc -c -fPIC msg.c
    ar rc libmsg.a msg.o
    gcc -shared msg.o -Wl,-soname,libmsg.so -o libmsg.so
    link() { gcc caller.c "$@" -Wl,-rpath,/tmp -o program; }
    ends_with() { code=0; ./program 5>&- || code=$?; is $code "$1"; }
"#;

fn differs(script: &str) -> Result<()> {
    sh!("{FUNCTIONS}{script}").map(drop)
}

fn c_references_are_strong_and_ours_weak() -> Result<()> {
    differs(
        r#"is "$(undefined $c)" "U _GLOBAL_OFFSET_TABLE_ U msg_info U msg_verbose U write"
        is "$(undefined $ours)" "U write w msg_info w msg_verbose""#,
    )
}

fn weak_references_pull_nothing_out_of_an_archive() -> Result<()> {
    differs(
        "link $c libmsg.a
        ends_with 42
        link $ours libmsg.a
        ends_with 0
        : a program that names a msg symbol
        link $ours -Wl,-u,msg_info libmsg.a
        ends_with 42",
    )
}

fn weak_references_keep_no_library_under_as_needed() -> Result<()> {
    differs(
        r#"needed() { readelf -dW program | sed -n 's/.*(NEEDED).*\[\(.*\)]$/\1/p' | xargs; }
        link $c -Wl,--as-needed libmsg.so
        is "$(needed)" "libmsg.so libc.so.6"
        link $ours -Wl,--as-needed libmsg.so
        is "$(needed)" "libc.so.6"
        link $ours -Wl,--no-as-needed libmsg.so
        ends_with 42"#,
    )
}

fn write_is_bound_at_load() -> Result<()> {
    differs(
        r#"echo 'int msg_verbose; void msg_info(const char *f, ...) { (void) f; }' >silent.c
        bound() { readelf -rW program | sed -n 's/.* R_X86_64_\([A-Z_]*\) .* write@.*/\1/p'; }
        link $c -Wl,-z,lazy silent.c
        is "$(bound)" JUMP_SLOT
        link $ours -Wl,-z,lazy silent.c
        is "$(bound)" GLOB_DAT"#,
    )
}

fn object_has_no_stack_protector() -> Result<()> {
    differs(
        r"undefined ${c%.o}-hardened.o | grep ' U __stack_chk_fail'
        ! undefined $ours | grep __stack_chk_fail",
    )
}

/// Name and flags of what is loaded, but for string constants, which compilers
/// merge or not, and for the marks, which are an option of both.
fn sections_are_named_otherwise() -> Result<()> {
    differs(
        r#"loaded() {
            readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' |
                awk '$5 != "000000" && $7 ~ /A/ && $1 !~ /^.rodata|^.note.gnu.property$/ { print $1, $7 }' |
                sort | xargs
        }
        is "$(loaded $c)" ".eh_frame A .text AX"
        is "$(loaded $ours)" ".data.rel.ro WA .eh_frame A .text.master_notify AX""#,
    )
}
