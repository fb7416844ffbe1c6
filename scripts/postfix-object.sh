#!/bin/sh
# Puts our master_proto.o into a built Postfix tree, takes it out again, or
# says which code a tree contains.
#
#   postfix-object.sh replace TREE [OBJECT]
#   postfix-object.sh restore TREE
#   postfix-object.sh verify TREE [OBJECT]
#   postfix-object.sh code FILE...
#
# OBJECT is build/master_proto.o unless named. replace keeps the C object as
# src/master/master_proto.o.postfix, and what it put as master_proto.o.put.
# verify ends with 0 if all code that is linked is ours, with 1 otherwise; it
# says "ours", "C" or "other" per file that contains master_notify, and "unknown"
# of a stripped one. code does the same, but it knows no C object to compare with.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
need objdump nm od cmp

# The instructions of master_notify in a file, without what linkers change: the
# relaxed forms of loads and calls through the GOT, and padding. On amd64 with
# their operands, but for addresses; elsewhere by name alone, or so everywhere
# if the second argument is "names".
instructions() {
    objdump -d --no-show-raw-insn --disassemble=master_notify "$1" 2>/dev/null |
        awk -F '\t' -v what="${2:-names}" '
        /file format/ && !/elf64-x86-64/ { what = "names" }
        /^ *[0-9a-f]+:/ {
            text = $2
            sub(/ *#.*/, "", text)
            sub(/^(addr32|bnd) +/, "", text)
            name = text
            sub(/ .*/, "", name)
            if (name ~ /^(nop|nopw|nopl|xchg|data16|cs|int3)$/) next
            if (what == "names") {
                print name == "lea" ? "mov" : name
                next
            }
            gsub(/-?0x[0-9a-f]+\(%rip\)/, "ADDRESS", text)
            gsub(/\$0x[0-9a-e][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]+/, "ADDRESS", text)
            sub(/^lea +ADDRESS/, "mov ADDRESS", text)
            # A target within the function is at the same distance everywhere; its
            # name may have a version.
            sub(/<master_notify@+[^+>]*/, "<master_notify", text)
            if (name ~ /^(call|j)/ && text !~ /\*%/ && !sub(/ .*<master_notify/, " <master_notify", text))
                text = name
            gsub(/ +/, " ", text)
            print text
        }'
}

# ELF class, byte order and machine.
architecture() {
    od -An -tx1 -j4 -N2 "$1"
    od -An -tx1 -j18 -N2 "$1"
}

defines_master_notify() {
    { nm "$1" 2>/dev/null; nm -D "$1" 2>/dev/null; } | grep -q ' T master_notify$'
}

# A stripped program, and not one of a shared build, which have no code of their own.
hides_its_symbols() {
    [ -z "$(nm "$1" 2>/dev/null)" ] &&
        objdump -fp "$1" 2>/dev/null | grep -q 'EXEC_P\|^ *INTERP ' &&
        ! objdump -p "$1" | grep -q '^ *NEEDED *libpostfix-'
}

# code_in FILE: whose code, judged by our object and the C object, if there is
# one at hand.
code_in() {
    if ! defines_master_notify "$1"; then
        if hides_its_symbols "$1"; then
            echo unknown
        fi
        return 0
    fi
    if [ -n "$our_instructions" ] && [ "$(instructions "$1" operands)" = "$our_instructions" ]; then
        echo ours
        return 0
    fi
    seen=$(instructions "$1")
    if [ -f "$saved" ] && [ "$seen" = "$(instructions "$saved")" ]; then
        echo C
    elif [ ! -f "$saved" ] && [ -f "$current" ] && [ "$seen" = "$(instructions "$current")" ]; then
        echo C
    else
        echo other
    fi
}

# is_ours FILE: this build of ours, or another one with weak references.
is_ours() {
    [ "$(code_in "$1")" = ours ] || nm "$1" | grep -q ' master_proto_msg$'
}

check_tree() {
    if [ ! -f "$tree/src/master/master_proto.c" ] || [ ! -f "$tree/src/master/master_proto.h" ]; then
        die "$tree is not a Postfix source tree: it has no src/master/master_proto.c. Nothing was changed."
    fi
    grep -q 'master_notify(int, unsigned, int)' "$tree/src/master/master_proto.h" ||
        die "$tree is older than Postfix 2.2: its master_notify() takes two arguments. Nothing was changed."
    if [ ! -f "$tree/libexec/smtpd" ] || { [ ! -f "$current" ] && [ "$action" != verify ]; }; then
        die "$tree is not built yet. Run Postfix's own 'make' there first; nothing was changed."
    fi
    [ "$action" = restore ] || [ -f "$object" ] ||
        die "there is no $object. Run 'make' first; nothing was changed."
}

# The lock goes with this process and the make that it has started.
lock_tree() {
    ! command -v flock >/dev/null 2>&1 || {
        exec 9<"$tree/src/master/master_proto.c"
        flock --nonblock 9 ||
            die "another replace or restore is at work in $tree. Wait for its end. Nothing was changed."
    }
}

# Before anything is changed: build/log may belong to another user.
start_make_log() {
    make_log=$root/build/log/postfix-object.log
    (mkdir -p "$root/build/log" && : >"$make_log") 2>/dev/null ||
        make_log=$(mktemp "${TMPDIR:-/tmp}/postfix-object.XXXXXX")
}

# make links again in many of the folders, so all of them count.
check_writable() {
    for folder in "$tree/lib" "$tree/libexec" "$tree/bin" "$tree"/src/*; do
        [ ! -d "$folder" ] || [ -w "$folder" ] ||
            die "$folder is not writable for $(id -un). Nothing was changed."
    done
}

# Postfix's make, without the flags that ours hands down, its output in a log,
# which stays if it is in its place, or if make fails.
postfix_make() {
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
        cd "$tree" && make -j "$(getconf _NPROCESSORS_ONLN)"
    ) >"$make_log" 2>&1 </dev/null || return 1
    case $make_log in
    "$root"/*) ;;
    *) rm "$make_log" ;;
    esac
}

# Not half a file at any time, whatever interrupts us. With the time of now, so
# that the object is the newest file of the tree and make does not compile the
# C file over it; -p keeps the time instead.
put() {
    if [ "$1" = -p ]; then
        shift
        cp -p "$1" "$2.new"
    else
        cat "$1" >"$2.new"
    fi
    mv -f "$2.new" "$2"
}

# The C object gets its old time back, so that make is free to see what has
# changed since. The library would be newer than its member: only without it
# will make link again. First that, so that nothing is left linked with ours if
# we are interrupted between the two.
put_back() {
    forget_library
    put -p "$saved" "$current"
}
forget_library() {
    for name in libmaster.a libpostfix-master.so libpostfix-master.dylib; do
        rm -f "$tree/src/master/$name"
    done
}

replace() {
    check_tree
    check_writable
    lock_tree
    [ "$(architecture "$object")" = "$(architecture "$current")" ] ||
        die "$object is for another architecture than $current. Nothing was changed."
    if cmp -s "$object" "$current"; then
        if is_all_ours; then
            die "$tree contains this object already. Nothing was changed."
        fi
        echo "$current is ours already, but not linked everywhere"
        start_make_log
    elif { [ -f "$put" ] && cmp -s "$put" "$current"; } || is_ours "$current"; then
        [ -f "$saved" ] ||
            die "$tree contains a build of ours, and no C object was kept." \
                "Remove $current and run make there first. Nothing was changed."
        die "$tree contains another build of ours." \
            "Run 'make postfix-restore POSTFIX=$tree' first. Nothing was changed."
    else
        start_make_log
        put -p "$current" "$saved"
        put "$object" "$put"
        put "$object" "$current"
    fi
    if ! postfix_make; then
        tail -n 15 "$make_log" >&2
        [ -f "$saved" ] || die "make failed in $tree. The full log: $make_log"
        put_back
        rm -f "$saved" "$put"
        die "make failed in $tree; the C object is back in its place, for the next make there." \
            "The full log: $make_log"
    fi
    verify
}

restore() {
    check_tree
    check_writable
    lock_tree
    [ -f "$saved" ] || die "$tree was not replaced: it has no $saved. Nothing was changed."
    start_make_log
    if { [ -f "$put" ] && cmp -s "$put" "$current"; } || is_ours "$current"; then
        put_back
    else
        forget_library
        cmp -s "$saved" "$current" || echo "note: make has compiled $current anew; it stays"
    fi
    if ! postfix_make; then
        tail -n 15 "$make_log" >&2
        die "make failed in $tree, with the C object in its place. The full log: $make_log"
    fi
    cmp -s "$saved" "$current" ||
        echo "note: $current differs from the object that was replaced, since something else has changed"
    # What is linked must be this object, whatever it is.
    kept=$saved
    saved=
    our_instructions=
    foreign=$(list_code | grep -v '^C ' || :)
    [ -z "$foreign" ] ||
        die "make has not linked $current into these; $kept is kept, so that this can be done again: $foreign"
    rm -f "$kept" "$put"
    echo "$tree contains the C object again"
}

# One line per library and program with master_notify: whose code, and which.
list_code() {
    for file in "$tree"/lib/* "$tree"/libexec/* "$tree"/bin/*; do
        [ -f "$file" ] || continue
        code=$(code_in "$file")
        [ -z "$code" ] || printf '%-8s %s\n' "$code" "${file#"$tree/"}"
    done
}

is_all_ours() {
    found=$(list_code)
    [ -n "$found" ] && ! echo "$found" | grep -qv '^ours '
}

# What the next make in the tree would undo, and why. Not for a tree in which
# our object was linked from elsewhere.
tell_what_make_would_do() {
    newer=
    for file in "$tree/conf/makedefs.out" "$tree"/src/master/master_proto.[ch] "$tree"/include/*.h; do
        [ -z "$(find "$file" -newer "$current")" ] || newer="$newer ${file#"$tree/"}"
    done
    [ -z "$newer" ] || (
        unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
        cd "$tree/src/master" && make -q -o Makefile master_proto.o
    ) >/dev/null 2>&1 || echo "note: the next make in $tree compiles the C file over our object, since these are newer:$newer." \
        "Run that make, then 'make postfix-replace POSTFIX=$tree'."
}

# A shared build's programs load the library from where they were told to when
# they were linked, which may be another tree.
tell_what_is_loaded() {
    folder=$(objdump -p "$tree/libexec/smtpd" | sed -n 's/^ *R[UN]*PATH *//p')
    loaded=$folder/libpostfix-master.so
    if [ -n "$folder" ] && [ -f "$loaded" ] &&
        [ "$(readlink -f "$loaded")" != "$(readlink -f "$tree/lib/libpostfix-master.so")" ]; then
        echo "note: the programs of $tree load $loaded, whose code is: $(code_in "$loaded")"
    fi
}

verify() {
    check_tree
    found=$(list_code)
    [ -n "$found" ] || die "no file in $tree/lib, libexec and bin contains master_notify"
    echo "$found"
    files=$(echo "$found" | wc -l)
    foreign=$(echo "$found" | grep -cv '^ours ' || :)
    tell_what_is_loaded
    if cmp -s "$object" "$current"; then
        tell_what_make_would_do
        [ "$foreign" -eq 0 ] ||
            echo "src/master/master_proto.o is ours, but not linked. Run make in $tree."
    elif [ -f "$put" ] && cmp -s "$put" "$current"; then
        echo "note: src/master/master_proto.o is another build of ours"
    elif [ -f "$put" ]; then
        echo "make has compiled src/master/master_proto.c over our object, since a header or" \
            "conf/makedefs.out was newer; or a replacement or its end was interrupted." \
            "Run 'make postfix-replace POSTFIX=$tree' again, or postfix-restore."
    elif [ "$foreign" -eq 0 ]; then
        echo "note: our object was linked from elsewhere; the next make without it takes the C file"
    fi
    if [ "$foreign" -ne 0 ]; then
        echo "$foreign of the $files files with master_notify in $tree do not contain our code, or none that can be told"
        return 1
    fi
    echo "all $files files with master_notify in $tree contain our code"
}

usage="usage: postfix-object.sh replace|restore|verify TREE [OBJECT], or code FILE..."
[ $# -ge 2 ] || die "$usage"
action=$1
shift
object=$root/build/master_proto.o
our_instructions=
[ ! -f "$object" ] || our_instructions=$(instructions "$object" operands)
case $action in
replace | restore | verify)
    [ -n "$1" ] || die "POSTFIX= is missing: make postfix-$action POSTFIX=/path/to/a/built/Postfix/tree"
    tree=$(cd "$1" 2>/dev/null && pwd) || die "$1 is not a folder. POSTFIX= names a built Postfix source tree."
    if [ $# -ge 2 ]; then
        object=$2
        our_instructions=
        [ ! -f "$object" ] || our_instructions=$(instructions "$object" operands)
    fi
    current=$tree/src/master/master_proto.o
    saved=$current.postfix
    put=$current.put
    "$action"
    ;;
code)
    current=
    saved=
    [ -f "$object" ] || die "there is no $object to compare with. Run 'make' first."
    for file; do
        printf '%-8s %s\n' "$(code_in "$file")" "$file"
    done
    ;;
*) die "$usage" ;;
esac
