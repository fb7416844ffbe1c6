#!/bin/sh
# Puts the object into built Postfix trees and takes it out again, in each way
# that docs/postfix.md names for a source tree, and in each way that must fail.
#
# Called by scripts/test.sh. The trees are copies, in a folder whose name has a
# space.
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
. "$root/scripts/checks.sh"
object=$root/build/master_proto.o
work="$root/build/postfix replace"
tool=$root/tools/postfix-object
need setpriv cksum diff bmake

"$root/scripts/build.sh" "$root/build"
stock=$("$root/scripts/postfix-build.sh" static)
stock_shared=$("$root/scripts/postfix-build.sh" shared)
rm -rf "$work"
mkdir -p "$work"

# LIB_OBJ and AUXLIBS cannot hold a path with a space.
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cp -a "$object" "$root"/build/libmaster_proto.so* "$elsewhere"

# copy FROM NAME: a tree of the test's own.
copy() {
    tree=$work/$2
    cp -a "$1" "$tree"
}

our_make() {
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
        make -s -C "$root" "$@"
    )
}
# Postfix's own, as a user would run it in the tree or in a folder of it.
their_make() {
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
        cd "$1"
        shift
        make -s "$@"
    )
}

# The bytes of every file.
bytes() {
    (cd "$1" && find . -type f -exec cksum {} + | sort -k 3)
}
# And the names, modes and times of everything.
fingerprint() {
    bytes "$1"
    (cd "$1" && find . -printf '%p %y %m %s %T@\n' | sort)
}

# says STATUS TEXT COMMAND...: it ends with STATUS and prints TEXT.
says() {
    says_status=$1
    says_text=$2
    shift 2
    "$@" >"$work/said" 2>&1 && said_status=0 || said_status=$?
    cat "$work/said"
    if [ "$said_status" -ne "$says_status" ]; then
        echo "exit status $said_status instead of $says_status"
        return 1
    fi
    if ! grep -qF -e "$says_text" "$work/said"; then
        echo "no '$says_text'"
        return 1
    fi
}

# refuses_unchanged TREE TEXT COMMAND...: with a message and without a change.
refuses_unchanged() {
    refuses_tree=$1
    shift
    fingerprint "$refuses_tree" >"$work/before"
    says 1 "$@"
    fingerprint "$refuses_tree" >"$work/after"
    diff "$work/before" "$work/after"
}

same_bytes_as() {
    bytes "$tree" >"$work/now"
    diff "$1" "$work/now"
}

all_ours='contain our code'
none_ours='do not contain our code'
undone='make has compiled src/master/master_proto.c over our object'

# What restore must bring back: the object and every program. A tree that was
# built elsewhere is linked once here first, since debug information may name
# the folder.
replace_and_restore() {
    touch "$tree/src/master/single_server.o"
    their_make "$tree"
    bytes "$tree" >"$work/built"
    says 1 "$none_ours" "$tool" verify "$tree"
    if grep '^ours' "$work/said"; then return 1; fi
    our_make -j4 postfix-replace POSTFIX="$tree"
    cmp "$object" "$tree/src/master/master_proto.o"
    says 0 "$all_ours" our_make postfix-verify POSTFIX="$tree"
    our_make -j4 postfix-restore POSTFIX="$tree"
    same_bytes_as "$work/built"
    says 1 "$none_ours" "$tool" verify "$tree"
}

# Each library and program that has master_notify in the stock build.
verify_lists_every_program() {
    says 0 "$all_ours" "$tool" verify "$tree"
    for file in "$stock"/libexec/* "$stock"/lib/libmaster.a; do
        ! nm "$file" 2>/dev/null | grep -q ' T master_notify$' || echo "ours     ${file#"$stock/"}"
    done | sort >"$work/expected"
    grep '^ours ' "$work/said" | sort | diff "$work/expected" -
    [ "$(wc -l <"$work/expected")" -gt 20 ]
}

survives_make() {
    their_make "$tree"
    says 0 "$all_ours" "$tool" verify "$tree"
}
survives_same_makefiles() {
    their_make "$tree" makefiles shared=no dynamicmaps=no default_database_type=texthash \
        default_cache_db_type=texthash CCARGS="-DNO_DB -DNO_NIS -DNO_EAI -DNO_PCRE" AUXLIBS=
    survives_make
}
touched_header() {
    touch "$tree/src/master/master_proto.h"
    says 0 'these are newer: src/master/master_proto.h' "$tool" verify "$tree"
    their_make "$tree"
    says 1 "$undone" "$tool" verify "$tree"
    says 1 "$none_ours" "$tool" verify "$tree"
    our_make postfix-replace POSTFIX="$tree"
    says 0 "$all_ours" "$tool" verify "$tree"
}
# Only the folder is made: the whole would compile all of Postfix.
other_makefiles() {
    their_make "$tree" makefiles shared=no dynamicmaps=no default_database_type=texthash \
        default_cache_db_type=texthash CCARGS="-DNO_DB -DNO_NIS -DNO_EAI -DNO_PCRE -DOTHER" AUXLIBS=
    says 0 'these are newer: conf/makedefs.out' "$tool" verify "$tree"
    their_make "$tree/src/master" update
    says 1 "$undone" "$tool" verify "$tree"
}

# with_make SCRIPT COMMAND...: SCRIPT in place of make.
with_make() {
    mkdir -p "$work/bin"
    printf '#!/bin/sh\n%s\n' "$1" >"$work/bin/make"
    chmod 755 "$work/bin/make"
    shift
    PATH="$work/bin:$PATH" "$@"
}
# SIGKILL for the whole process group in the middle of it.
interrupted() {
    if with_make 'kill -9 0' setsid "$tool" replace "$tree"; then return 1; fi
    says 1 'is ours, but not linked' "$tool" verify "$tree"
    says 0 "$all_ours" "$tool" replace "$tree"
}
# The same in the make of restore, and what was put there is another build of
# ours by then.
interrupted_restore() {
    { cat "$object"; echo; } >"$tree/src/master/master_proto.o"
    if with_make 'kill -9 0' setsid "$tool" restore "$tree"; then return 1; fi
    says 0 'contains the C object again' "$tool" restore "$tree"
    same_bytes_as "$work/built"
}
# As between the first step of restore and the second: the C object is back, and
# all else is as with ours. Our object is not needed to go on.
interrupted_between() {
    cp -p "$tree/src/master/master_proto.o.postfix" "$tree/src/master/master_proto.o"
    cp -p "$tree/libexec/anvil" "$work/anvil"
    cp -p "$stock/libexec/anvil" "$tree/libexec/anvil"
    says 1 'or a replacement or its end was interrupted' "$tool" verify "$tree"
    mv "$work/anvil" "$tree/libexec/anvil"
    mv "$object" "$object.away"
    "$tool" restore "$tree" >"$work/said" && status=0 || status=$?
    mv "$object.away" "$object"
    [ "$status" -eq 0 ]
    grep 'contains the C object again' "$work/said"
    same_bytes_as "$work/built"
}
copied_by_hand() {
    cp -p "$tree/src/master/master_proto.o" "$work/c.o"
    { cat "$object"; echo; } >"$tree/src/master/master_proto.o"
    refuses_unchanged "$tree" 'no C object was kept' "$tool" replace "$tree"
    cp -p "$work/c.o" "$tree/src/master/master_proto.o"
}
# The first one is held in its make.
two_at_once() {
    mkfifo "$work/hold"
    with_make "cat '$work/hold'; exit 1" "$tool" replace "$tree" &
    first=$!
    exec 8>"$work/hold"
    refuses_unchanged "$tree" 'another replace or restore is at work' "$tool" replace "$tree"
    exec 8>&-
    if wait "$first"; then return 1; fi
    rm "$work/hold"
    their_make "$tree"
    same_bytes_as "$work/built"
}
# As 'make test' by root leaves it, for another user.
log_of_another_user() {
    log_folder=$root/build/log
    make_log=$log_folder/postfix-object.log
    echo "of another user" >"$make_log"
    chown nobody "$log_folder" "$make_log"
    (
        export TMPDIR="$elsewhere"
        without_rights "$tool" replace "$tree"
    ) && status=0 || status=$?
    chown root "$log_folder" "$make_log"
    [ "$status" -eq 0 ]
    grep -x "of another user" "$make_log"
    [ -z "$(find "$elsewhere" -name 'postfix-object.*')" ]
}
# It differs from ours in one operand.
similar_code_is_not_ours() {
    mkdir -p "$work/source"
    for file in Cargo.toml Cargo.lock build.rs src scripts; do
        cp -R "$root/$file" "$work/source"
    done
    sed -i 's/MASTER_STATUS_FD: c_int = 5/MASTER_STATUS_FD: c_int = 4/' "$work/source/src/lib.rs"
    "$work/source/scripts/build.sh" "$work/source/build"
    for file in master_proto.o libmaster_proto.so; do
        "$tool" code "$root/build/$file" | grep '^ours '
        "$tool" code "$work/source/build/$file" | grep '^other '
    done
    rm -r "$work/source"
}
stripped_program() {
    cp -p "$tree/libexec/anvil" "$work/anvil"
    strip "$tree/libexec/anvil"
    says 1 'unknown  libexec/anvil' "$tool" verify "$tree"
    mv "$work/anvil" "$tree/libexec/anvil"
}
failing_make() {
    says 1 'the C object is back' with_make 'exit 1' "$tool" replace "$tree"
    their_make "$tree"
    same_bytes_as "$work/built"
}

without_rights() {
    setpriv --bounding-set -dac_override,-dac_read_search,-fowner \
        --inh-caps -dac_override,-dac_read_search,-fowner "$@"
}
not_writable() {
    chown -R nobody "$tree/$1"
    refuses_unchanged "$tree" "is not writable for" without_rights "$tool" replace "$tree"
    chown -R root "$tree/$1"
}
not_a_tree() {
    mkdir "$work/nothing"
    echo hello >"$work/nothing/file"
    refuses_unchanged "$work/nothing" 'is not a Postfix source tree' "$tool" "$1" "$work/nothing"
    rm -r "$work/nothing"
}
not_built() {
    source=$("$root/scripts/postfix-source.sh")
    refuses_unchanged "$source" 'is not built yet' "$tool" "$1" "$source"
}
too_old() {
    mkdir -p "$work/old/src/master" "$work/old/libexec"
    echo 'extern int master_notify(int, int);' >"$work/old/src/master/master_proto.h"
    : >"$work/old/src/master/master_proto.c"
    : >"$work/old/src/master/master_proto.o"
    : >"$work/old/libexec/smtpd"
    refuses_unchanged "$work/old" 'is older than Postfix 2.2' "$tool" "$1" "$work/old"
    rm -r "$work/old"
}
# The machine number in the ELF header: that of no other processor here.
other_architecture() {
    cp "$object" "$work/other.o"
    printf '\377\376' | dd of="$work/other.o" bs=1 seek=18 conv=notrunc
    refuses_unchanged "$tree" 'is for another architecture' "$tool" replace "$tree" "$work/other.o"
}
another_build() {
    { cat "$object"; echo; } >"$work/another.o"
    refuses_unchanged "$tree" 'contains another build of ours' "$tool" replace "$tree" "$work/another.o"
}
no_postfix_given() {
    says 2 'POSTFIX= is missing' our_make "$1"
}

# lib_obj MAKE: MAKE is make, or the BSDs' bmake.
lib_obj() {
    (cd "$stock/../source" && find . -type f | sort) >"$work/sources"
    their_make "$tree/src/master" tidy
    sources >"$work/before"
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MAKE
        cd "$tree"
        command=$(documented 'make LIB_OBJ=.*' | sed -e "s|/path/to/|$elsewhere/|" -e "s|^make |$1 -s |")
        sh -c "$command"
    )
    says 0 'our object was linked from elsewhere' "$tool" verify "$tree"
    sources | diff "$work/before" -
}
# The files that came with the source, but for those that Postfix's own make
# writes (its makefiles, and conf files that it links into other folders).
sources() {
    (cd "$tree" && grep -v '/Makefile$' "$work/sources" | tr '\n' '\0' | xargs -0 cksum)
}
lib_obj_forgotten() {
    their_make "$tree"
    says 1 "$none_ours" "$tool" verify "$tree"
}

# with_auxlibs WORD...: links smtpd as it is after "make makefiles" with these
# words in AUXLIBS, and says in which file it finds master_notify.
with_auxlibs() {
    libraries=$(cd "$tree" && AUXLIBS="$*" CCARGS=-DNO_DB shared=yes sh ./makedefs |
        sed -n 's/^SYSLIBS[[:space:]]*=[[:space:]]*//p')
    case $libraries in
    *"$*"*) ;;
    *) die "makedefs does not put AUXLIBS into SYSLIBS: $libraries" ;;
    esac
    rm -f "$tree/src/smtpd/smtpd"
    their_make "$tree/src/smtpd" SYSLIBS="$libraries" smtpd || return 1
    LD_DEBUG=bindings LD_BIND_NOW=1 "$tree/src/smtpd/smtpd" 2>&1 |
        sed -n 's/.* to \(.*\) \[0\]: .* symbol .master_notify.*/\1/p' | sort -u
}
auxlibs_library() {
    [ "$(with_auxlibs "-L$elsewhere -Wl,-rpath,$elsewhere -Wl,--no-as-needed -lmaster_proto")" = \
        "$stock_shared/lib/libpostfix-master.so" ]
}
auxlibs_object() {
    [ "$(with_auxlibs "$elsewhere/master_proto.o")" = "$tree/src/smtpd/smtpd" ]
    "$tool" code "$tree/src/smtpd/smtpd" | grep '^ours '
}
auxlibs_object_static() {
    says 1 'multiple definition' with_auxlibs "$elsewhere/master_proto.o"
}

copied_shared_tree() {
    says 0 "load $stock_shared/lib/libpostfix-master.so, whose code is: C" \
        "$tool" replace "$tree"
}

copy "$stock" static
check "static: replace, verify, restore, all bytes as before" replace_and_restore
check "interrupted by SIGKILL: verify tells, replace ends it" interrupted
check "restore interrupted by SIGKILL: restore ends it" interrupted_restore
check "a make that fails: the C object is back" failing_make
check "refused: two at once" two_at_once
check "refused: a build of ours put there by hand" copied_by_hand
check "a log of another user's: replace goes on" log_of_another_user
check "restore interrupted before its make: verify tells, restore ends it" interrupted_between
check "code that differs in an operand is not ours" similar_code_is_not_ours
check "refused: not writable (src/smtpd)" not_writable src/smtpd
check "refused: not writable (lib)" not_writable lib
check "refused: another architecture" other_architecture
check "refused: restore of a tree that was not replaced" \
    refuses_unchanged "$tree" 'was not replaced' "$tool" restore "$tree"
"$tool" replace "$tree" >>"$log"
check "verify lists every program" verify_lists_every_program
check "a stripped program: verify tells" stripped_program
check "refused: already replaced" refuses_unchanged "$tree" 'contains this object already' "$tool" replace "$tree"
check "refused: replaced with another build of ours" another_build
check "a later make: it holds" survives_make
check "make makefiles with the same options: it holds" survives_same_makefiles
check "a touched header: verify tells, before and after make" touched_header
check "make makefiles with other options: verify tells" other_makefiles
rm -rf "$tree"

copy "$stock" lib-obj
check "AUXLIBS=, static: the object does not link" auxlibs_object_static
check "LIB_OBJ=, static: ours is linked, no source touched" lib_obj make
check "LIB_OBJ= forgotten in the next make: verify tells" lib_obj_forgotten
rm -rf "$tree"

copy "$stock_shared" shared
check "shared: replace, verify, restore, all bytes as before" replace_and_restore
check "a copied shared tree: verify tells what is loaded" copied_shared_tree
"$tool" restore "$tree" >>"$log"
check "AUXLIBS=, shared: the library is without effect" auxlibs_library
check "AUXLIBS=, shared: the object wins" auxlibs_object
check "LIB_OBJ= with bmake, shared: ours is linked, no source touched" lib_obj bmake
rm -rf "$tree"

for action in replace restore verify; do
    check "refused: $action of what is no Postfix" not_a_tree "$action"
    check "refused: $action of a tree that is not built" not_built "$action"
    check "refused: $action of a Postfix before 2.2" too_old "$action"
    check "refused: postfix-$action without POSTFIX=" no_postfix_given "postfix-$action"
done
rm -rf "$work"
end_checks "postfix-replace"
