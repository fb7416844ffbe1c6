//! The differences from the C original that docs/behaviour.md lists, but for the GNU
//! property note. A test fails if its difference is gone or if another has come.

use tests::prelude::*;

/// Functions for the scripts. `link` makes a program of an object and a caller that
/// mentions no msg symbol; libmsg.a, libmsg.so and msg.o define both. The program
/// makes a call that fails; it exits with 42 if that is logged, and with 0 if not.
const FUNCTIONS: &str = r#"
    cp build/original/original.o $TMPDIR/c.o
    cp build/original/original-hardened.o $TMPDIR/hardened.o
    cp build/master_proto.o $TMPDIR/ours.o
    cd $TMPDIR
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
    link() { gcc caller.c "$@" -Wl,-rpath,$TMPDIR -o program; }
    exits_with() { status=0; ./program 5>&- || status=$?; is $status "$1"; }
"#;

fn differs(text: &str) -> Result {
    sandbox(|| script(&format!("{FUNCTIONS}{text}")).map(drop))
}

#[test]
fn c_references_are_strong_and_ours_weak() -> Result {
    differs(
        r#"is "$(undefined c.o)" "U _GLOBAL_OFFSET_TABLE_ U msg_info U msg_verbose U write"
        is "$(undefined ours.o)" "U write w msg_info w msg_verbose""#,
    )
}

#[test]
fn weak_references_pull_nothing_out_of_an_archive() -> Result {
    differs(
        "link c.o libmsg.a
        exits_with 42
        link ours.o libmsg.a
        exits_with 0
        : a program that mentions a msg symbol
        link ours.o -Wl,-u,msg_info libmsg.a
        exits_with 42",
    )
}

#[test]
fn weak_references_keep_no_library_under_as_needed() -> Result {
    differs(
        r#"needed() { readelf -dW program | sed -n 's/.*(NEEDED).*\[\(.*\)]$/\1/p' | xargs; }
        link c.o -Wl,--as-needed libmsg.so
        is "$(needed)" "libmsg.so libc.so.6"
        link ours.o -Wl,--as-needed libmsg.so
        is "$(needed)" "libc.so.6"
        link ours.o -Wl,--no-as-needed libmsg.so
        exits_with 42"#,
    )
}

#[test]
fn write_is_bound_at_load() -> Result {
    differs(
        r#"echo 'int msg_verbose; void msg_info(const char *f, ...) { (void) f; }' >silent.c
        bound() { readelf -rW program | sed -n 's/.* R_X86_64_\([A-Z_]*\) .* write@.*/\1/p'; }
        link c.o -Wl,-z,lazy silent.c
        is "$(bound)" JUMP_SLOT
        link ours.o -Wl,-z,lazy silent.c
        is "$(bound)" GLOB_DAT"#,
    )
}

#[test]
fn object_has_no_stack_protector() -> Result {
    differs(
        "undefined hardened.o | grep ' U __stack_chk_fail'
        if undefined ours.o | grep __stack_chk_fail; then exit 1; fi",
    )
}

/// Names and flags of the loaded sections, except string constants, which compilers
/// may merge, and the GNU property note, which is an option of both.
#[test]
fn sections_have_other_names() -> Result {
    differs(
        r#"loaded() {
            readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' |
                awk '$5 != "000000" && $7 ~ /A/ && $1 !~ /^.rodata|^.note.gnu.property$/ { print $1, $7 }' |
                sort | xargs
        }
        is "$(loaded c.o)" ".eh_frame A .text AX"
        is "$(loaded ours.o)" ".data.rel.ro WA .eh_frame A .text.master_notify AX""#,
    )
}
