#!/bin/sh
# Puts our master_proto.o into a built Postfix tree, takes it out again, or
# says which code a tree contains.
#
#   postfix-object.sh replace TREE [OBJECT]
#   postfix-object.sh restore TREE
#   postfix-object.sh verify TREE [OBJECT]
#   postfix-object.sh code FILE... [-- OBJECT]
#
# OBJECT is build/master_proto.o unless named. verify ends with 0 if all code
# is ours, with 1 otherwise. code prints "ours", "C" or "unknown" per file that
# contains master_notify, and nothing for the others.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
need objdump nm od cmp

# The instructions of master_notify in a file, without what linkers change:
# operands, the relaxed forms of loads and calls through the GOT, and padding.
instructions() {
    objdump -d --no-show-raw-insn --disassemble=master_notify "$1" 2>/dev/null |
        awk -F '\t' '/^ *[0-9a-f]+:/ {
            split($2, word, " ")
            name = word[1] == "addr32" || word[1] == "bnd" ? word[2] : word[1]
            if (name == "lea") name = "mov"
            if (name ~ /^(nop|nopw|nopl|xchg|data16|cs|int3)$/) next
            print name
        }'
}

defines_master_notify() {
    { nm "$1" 2>/dev/null; nm -D "$1" 2>/dev/null; } | grep -q ' T master_notify$'
}

# code_in FILE: whose code, judged by the object of ours and, if there is one,
# the C object that it replaced.
code_in() {
    if ! defines_master_notify "$1"; then
        return 0
    fi
    seen=$(instructions "$1")
    if [ -n "$seen" ] && [ "$seen" = "$(instructions "$object")" ]; then
        echo ours
    elif [ -f "$saved" ] && [ "$seen" = "$(instructions "$saved")" ]; then
        echo C
    else
        echo unknown
    fi
}

# ELF class, byte order and machine.
architecture() {
    od -An -tx1 -j4 -N2 "$1"
    od -An -tx1 -j18 -N2 "$1"
}

check_tree() {
    if [ ! -f "$tree/src/master/master_proto.c" ] || [ ! -f "$tree/src/master/master_proto.h" ]; then
        die "$tree is not a Postfix source tree: it has no src/master/master_proto.c"
    fi
    grep -q 'master_notify(int, unsigned, int)' "$tree/src/master/master_proto.h" ||
        die "$tree is older than Postfix 2.2: its master_notify() takes two arguments. Nothing was changed."
    if [ ! -f "$current" ] || [ ! -f "$tree/libexec/smtpd" ]; then
        die "$tree is not built yet. Run Postfix's own 'make' there first; nothing was changed."
    fi
    [ -f "$object" ] || die "there is no $object. Run 'make' first."
}

check_writable() {
    for folder in src/master lib libexec; do
        [ -w "$tree/$folder" ] || die "$tree/$folder is not writable for $(id -un). Nothing was changed."
    done
}

# Postfix's make, without the flags that ours hands down, its output in a log.
postfix_make() {
    mkdir -p "$root/build/log"
    make_log=$root/build/log/postfix-object.log
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
        cd "$tree" && make -j "$(getconf _NPROCESSORS_ONLN)"
    ) >"$make_log" 2>&1 </dev/null
}

# The new object is the newest file of the tree, or make would compile the C
# file over it; so no copy that keeps the old time.
put_object() {
    rm -f "$current"
    cat "$1" >"$current"
}

replace() {
    check_tree
    check_writable
    if cmp -s "$object" "$current"; then
        die "$tree contains this object already. Nothing was changed."
    fi
    if [ -f "$saved" ] && [ "$(code_in "$current")" = unknown ]; then
        die "$tree contains another build of ours. Run 'make postfix-restore POSTFIX=$tree' first. Nothing was changed."
    fi
    [ "$(architecture "$object")" = "$(architecture "$current")" ] ||
        die "$object is for another architecture than $current. Nothing was changed."

    cp -p "$current" "$saved"
    put_object "$object"
    if ! postfix_make; then
        tail -n 15 "$make_log" >&2
        put_object "$saved"
        rm -f "$saved"
        die "make failed in $tree; the C object is back in its place. The full log: $make_log"
    fi
    verify
}

restore() {
    check_tree
    check_writable
    [ -f "$saved" ] || die "$tree was not replaced: it has no $saved. Nothing was changed."
    put_object "$saved"
    if ! postfix_make; then
        tail -n 15 "$make_log" >&2
        die "make failed in $tree, with the C object back in its place. The full log: $make_log"
    fi
    cmp -s "$saved" "$current" ||
        echo "note: make compiled $current anew, since something else had changed"
    rm -f "$saved"
    echo "$tree contains the C object again"
}

verify() {
    check_tree
    foreign=0
    programs=0
    for file in "$current" "$tree"/lib/* "$tree"/libexec/* "$tree"/bin/*; do
        [ -f "$file" ] || continue
        code=$(code_in "$file")
        [ -n "$code" ] || continue
        programs=$((programs + 1))
        printf '%-8s %s\n' "$code" "${file#"$tree/"}"
        [ "$code" = ours ] || foreign=$((foreign + 1))
    done
    if ! cmp -s "$object" "$current" && [ -f "$saved" ]; then
        echo "Something has compiled src/master/master_proto.c over our object: a header or" \
            "conf/makedefs.out was newer. Run 'make postfix-replace POSTFIX=$tree' again."
    fi
    if [ "$foreign" -ne 0 ]; then
        echo "$foreign of the $programs files with master_notify in $tree do not contain our code"
        return 1
    fi
    echo "all $programs files with master_notify in $tree contain our code"
}

usage="usage: postfix-object.sh replace|restore|verify TREE [OBJECT], or code FILE... [-- OBJECT]"
[ $# -ge 2 ] || die "$usage"
action=$1
shift
object=$root/build/master_proto.o
case $action in
replace | restore | verify)
    tree=$(cd "$1" 2>/dev/null && pwd) || die "$1 is not a folder. POSTFIX= names a built Postfix source tree."
    [ $# -lt 2 ] || object=$2
    current=$tree/src/master/master_proto.o
    saved=$tree/src/master/master_proto.o.postfix
    "$action"
    ;;
code)
    saved=
    for file; do
        printf '%-8s %s\n' "$(code_in "$file")" "$file"
    done
    ;;
*) die "$usage" ;;
esac
