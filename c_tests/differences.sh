#!/bin/sh
# What is not identical to the C object, as docs/behaviour.md says it:
# differences.sh DIRECTORY
#
# DIRECTORY holds what original.sh has made. Each function below is a test; it
# fails when the difference that it names is gone, or another has come.
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
. "$root/scripts/checks.sh"
need gcc readelf nm ar diff

[ $# -eq 1 ] || die "usage: differences.sh DIRECTORY"
c=$1/original.o
hardened=$1/original-hardened.o
ours=$root/build/master_proto.o
[ "$(uname -m)" = x86_64 ] || die "the differences in relocations and marks are written down for amd64 alone."
for object in "$c" "$hardened" "$ours"; do
    [ -f "$object" ] || die "there is no $object"
done
work=$root/build/c_tests/differences
mkdir -p "$work"

# A program that calls, and a library of the two symbols that it does not name.
cat >"$work/caller.c" <<'END'
int master_notify(int, unsigned, int);
int main(void) { return master_notify(1, 2, 3) + 1; }
END
cat >"$work/msg.c" <<'END'
#include <unistd.h>
int msg_verbose = 1;
void msg_info(const char *format, ...) { if (write(1, "logged\n", 7) != 7) _exit(3); (void) format; }
END
gcc -c -fPIC "$work/msg.c" -o "$work/msg.o"
rm -f "$work/libmsg.a"
ar rc "$work/libmsg.a" "$work/msg.o"
gcc -shared "$work/msg.o" -Wl,-soname,libmsg.so -o "$work/libmsg.so"

# link NAME OBJECT [OPTION...]: makes $work/NAME
link() {
    program=$work/$1
    shift
    gcc "$work/caller.c" "$@" "-Wl,-rpath,$work" -o "$program"
}

# lines COMMAND...: its output is exactly the lines on the standard input.
lines() {
    cat >"$work/want"
    "$@" >"$work/got"
    diff "$work/want" "$work/got"
}

undefined() {
    nm -u "$1" | awk '{ print $1, $2 }' | LC_ALL=C sort
}

c_references_are_strong_and_ours_weak() {
    lines undefined "$c" <<END
U _GLOBAL_OFFSET_TABLE_
U msg_info
U msg_verbose
U write
END
    lines undefined "$ours" <<END
U write
w msg_info
w msg_verbose
END
}

# Run with descriptor 5 closed, so that the call fails, and is logged if it can be.
said() {
    "$1" 3>&- 4>&- 5>&-
}

weak_references_pull_nothing_out_of_an_archive() {
    link pulled "$c" "$work/libmsg.a"
    echo logged | lines said "$work/pulled"
    link not-pulled "$ours" "$work/libmsg.a"
    lines said "$work/not-pulled" </dev/null
    link pulled-by-the-program "$ours" -Wl,-u,msg_info "$work/libmsg.a"
    echo logged | lines said "$work/pulled-by-the-program"
}

needed() {
    readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

weak_references_keep_no_library_under_as_needed() {
    link kept "$c" -Wl,--as-needed "$work/libmsg.so"
    printf 'libmsg.so\nlibc.so.6\n' | lines needed "$work/kept"
    link dropped "$ours" -Wl,--as-needed "$work/libmsg.so"
    echo libc.so.6 | lines needed "$work/dropped"
    link asked-for "$ours" -Wl,--no-as-needed "$work/libmsg.so"
    echo logged | lines said "$work/asked-for"
}

how_write_is_bound() {
    readelf -rW "$1" | sed -n 's/.* R_X86_64_\([A-Z_]*\) .* write@GLIBC.*/\1/p'
}

write_is_bound_at_load() {
    link lazy-c "$c" -Wl,-z,lazy "$work/msg.o"
    # The program's own write, in msg.c, goes through the same table.
    echo JUMP_SLOT | lines how_write_is_bound "$work/lazy-c"
    link lazy-ours "$ours" -Wl,-z,lazy
    echo GLOB_DAT | lines how_write_is_bound "$work/lazy-ours"
}

properties() {
    readelf -nW "$1" 2>/dev/null | sed -n 's/.*Properties: //p'
}

object_has_no_shadow_stack_and_ibt_mark() {
    echo "x86 feature: IBT, SHSTK" | lines properties "$hardened"
    lines properties "$c" </dev/null
    lines properties "$ours" </dev/null
}

# The linker keeps a mark only if every object has it; the start files of
# Debian's C library have none, so they are left out.
link_with_ours_loses_shadow_stack_and_ibt_marks() {
    link marked.so "$hardened" -shared -nostartfiles -fPIC -fcf-protection
    echo "x86 feature: IBT, SHSTK" | lines properties "$work/marked.so"
    link unmarked.so "$ours" -shared -nostartfiles -fPIC -fcf-protection
    lines properties "$work/unmarked.so" </dev/null
}

object_has_no_stack_protector() {
    undefined "$hardened" | grep -q '^U __stack_chk_fail$'
    if undefined "$ours" | grep __stack_chk_fail; then
        return 1
    fi
}

# Name and flags of what is loaded, but for string constants: compilers merge
# them or not.
loaded_sections() {
    readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' |
        awk '$7 ~ /A/ && $5 !~ /^0+$/ && $1 !~ /^\.rodata/ { print $1, $7 }' | LC_ALL=C sort
}

sections_are_named_otherwise() {
    lines loaded_sections "$c" <<END
.eh_frame A
.text AX
END
    lines loaded_sections "$ours" <<END
.data.rel.ro WA
.eh_frame A
.text.master_notify AX
END
}

for test in \
    c_references_are_strong_and_ours_weak \
    weak_references_pull_nothing_out_of_an_archive \
    weak_references_keep_no_library_under_as_needed \
    write_is_bound_at_load \
    object_has_no_shadow_stack_and_ibt_mark \
    link_with_ours_loses_shadow_stack_and_ibt_marks \
    object_has_no_stack_protector \
    sections_are_named_otherwise; do
    check "$test" "$test"
done
end_checks differences
