//! The object is put into built Postfix trees and taken out again, by
//! `tools/postfix-object`, whatever interrupts it. Each case is a script, run in
//! a copy of a tree.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    slow(testenv::cases![
        restore_brings_back_every_byte for ["static", "shared", "newest-static", "newest-shared"],
        replace_holds_until_make_sees_a_newer_header_or_other_makefiles,
        replace_takes_another_build_once_and_restore_needs_none,
        killed_replace_and_restore_end_well_when_run_again,
        failing_make_brings_back_the_c_object,
        two_trees_at_once_have_logs_of_their_own_and_one_tree_is_refused,
        link_time_optimised_and_stripped_programs_are_judged,
        verify_tells_of_an_empty_program,
        verify_tells_of_an_object_with_an_old_time,
        verify_tells_what_an_archive_loses,
        verify_tells_what_a_copied_tree_loads,
        code_labels_every_file,
        what_is_no_built_tree_is_refused,
        what_cannot_be_replaced_or_restored_is_refused,
    ])
}

fn in_static(script: &str) -> Result<()> {
    in_copy_of("static", script)
}

fn in_shared(script: &str) -> Result<()> {
    in_copy_of("shared", script)
}

fn in_copy_of(tree: &str, script: &str) -> Result<()> {
    sh!("tree='/tmp/a tree'
        cp -a /mnt/postfix/{tree} \"$tree\"
        cd \"$tree\"
        {WORDS}
        {script}")?;
    Ok(())
}

/// What the scripts are written in.
const WORDS: &str = r#"
object=/mnt/checkout/build/master_proto.o
all_ours='^all .* contain our code'
not_ours='do not contain our code'
is_c_again='contains the C object again'
# What stands in /tmp/bin takes the place of other programs.
mkdir /tmp/bin
PATH=/tmp/bin:/mnt/checkout/tools:$PATH

# says TEXT COMMAND...: it ends well, with this text in its last line.
says() {
    text=$1
    shift
    status=0
    "$@" >/tmp/said || status=$?
    cat /tmp/said
    [ "$status" -eq 0 ]
    tail -n 1 /tmp/said | grep -e "$text"
}

# fails TEXT COMMAND...: it ends with an error, not by a signal, and with this
# text in its last line; what make adds does not count.
fails() {
    text=$1
    shift
    status=0
    "$@" >/tmp/said 2>&1 || status=$?
    cat /tmp/said
    [ "$status" -gt 0 ]
    [ "$status" -lt 126 ]
    grep -v '^make.*\*\*\*' /tmp/said | tail -n 1 | grep -e "$text"
}

# refuses TEXT COMMAND...: it fails so, and leaves no trace in this folder.
refuses() {
    state >/tmp/before
    fails "$@"
    state | diff /tmp/before -
}

# said TEXT, said_no TEXT: among all that the last of these has printed.
said() {
    grep -e "$1" /tmp/said
}

said_no() {
    ! grep -e "$1" /tmp/said
}

# The bytes of every file; and the mode, owner and time of everything.
bytes() {
    find . -type f -exec cksum {} + | sort -k 3
}

state() {
    find . -printf '%p %y %m %u %s %T@\n' | sort
    bytes
}

# stand_in NAME: puts the script that is its input in the place of a program.
stand_in() {
    { echo '#!/bin/sh' && cat; } >"/tmp/bin/$1"
    chmod +x "/tmp/bin/$1"
}

# is_killed ACTION: one of the programs kills all of it.
is_killed() {
    status=0
    setsid postfix-object "$1" . || status=$?
    [ "$status" -eq 137 ]
}

# configure [FLAG]: as the tree was configured, with one more compiler flag.
configure() {
    sed -n '/^# Start of/,/^# End of/s/^# \(.*=.*\)/\1/p' conf/makedefs.out |
        sed "/^CCARGS=/s/\$/${1:+ $1}/" | xargs -d '\n' make -s makefiles DEBUG=
}

# our_make WORD...: it hands down flags and a job server, and does not build the object.
our_make() {
    make --no-print-directory -j4 -C /mnt/checkout -o all "$@"
}
"#;

// What must hold in every tree.

fn restore_brings_back_every_byte(tree: &str) -> Result<()> {
    in_copy_of(
        tree,
        r#"bytes >/tmp/built
        for file in lib/libmaster.a lib/libpostfix-master.so libexec/* bin/*; do
            ! nm "$file" 2>&1 | grep -q ' T master_notify$' || echo "ours     $file"
        done | LC_ALL=C sort >/tmp/expected
        refuses "$not_ours" postfix-object verify .
        said_no '^ours'
        our_make postfix-replace POSTFIX="$PWD"
        cmp "$object" src/master/master_proto.o
        cp src/master/master_proto.o.log /tmp/said
        said ' -o '
        said_no ' -c .*\.c'
        says "$all_ours" our_make postfix-verify POSTFIX="$PWD"
        grep '^ours' /tmp/said | diff /tmp/expected -
        our_make postfix-restore POSTFIX="$PWD"
        bytes | diff /tmp/built -
        refuses "$not_ours" postfix-object verify ."#,
    )
}

fn replace_holds_until_make_sees_a_newer_header_or_other_makefiles() -> Result<()> {
    in_shared(
        r#"newer='compiles the C file over our object, since these are newer'
        compiled='make has compiled src/master/master_proto.c over our object'
        # The makefiles of a shared build name the folder.
        mount --bind . /mnt/postfix/shared
        cd /mnt/postfix/shared
        postfix-object replace .
        make
        configure
        make
        says "$all_ours" postfix-object verify .
        said_no 'newer'

        touch src/master/master_proto.h
        says "$all_ours" postfix-object verify .
        said "$newer: src/master/master_proto.h"
        make
        refuses "$not_ours" postfix-object verify .
        said "$compiled"

        says "$all_ours" postfix-object replace .
        configure -DOTHER
        says "$all_ours" postfix-object verify .
        said "$newer: .*conf/makedefs.out"
        # The whole would compile all of Postfix.
        make -C src/master update
        refuses "$not_ours" postfix-object verify .
        said "$compiled""#,
    )
}

/// As after an update of ours: the C object is the one that was kept first.
fn replace_takes_another_build_once_and_restore_needs_none() -> Result<()> {
    in_shared(
        r#"cp src/master/master_proto.o /tmp/c.o
        { cat "$object" && echo; } >/tmp/another.o
        postfix-object replace . /tmp/another.o
        says "$all_ours" postfix-object verify .
        said 'is another build of ours (master_proto 1'
        says "$all_ours" postfix-object replace .
        state >/tmp/before
        says 'Nothing was changed' postfix-object replace .
        state | diff /tmp/before -
        cp -R /mnt/checkout/tools /tmp/tools
        refuses "Run 'make' first; nothing was changed" /tmp/tools/postfix-object replace .
        says "$is_c_again" /tmp/tools/postfix-object restore .
        cmp /tmp/c.o src/master/master_proto.o"#,
    )
}

// Killed, failing, at the same time.

/// The linker is killed when it has made its output, and all else with it: at a
/// program further on each time. Then somebody's make takes what is left for one.
fn killed_replace_and_restore_end_well_when_run_again() -> Result<()> {
    in_static(
        r#"bytes >/tmp/built
        for program in smtpd virtual anvil; do
            stand_in gcc <<END
case " \$* " in
*' -o $program '*)
    rm -f $program
    /usr/bin/gcc "\$@" &
    until [ -e $program ]; do :; done
    kill -9 0 ;;
esac
exec /usr/bin/gcc "\$@"
END
            is_killed replace
            # The kill comes early or late; the worst is an empty program.
            : >src/$program/$program
            refuses "$not_ours" postfix-object verify .
            said "^C        libexec/$program\$"
            said "or was interrupted. Run 'postfix-object replace"
        done
        rm /tmp/bin/gcc
        make
        refuses '1 of the 27 files' postfix-object verify .
        said '^empty    libexec/anvil$'
        says "$all_ours" postfix-object replace .
        # As if nothing had happened.
        diff -r lib /mnt/postfix/ours-static/lib
        diff -r libexec /mnt/postfix/ours-static/libexec

        # At its start, between the C object and the links, and in a link.
        echo 'kill -9 0' | stand_in make
        is_killed restore
        refuses 'was interrupted' postfix-object verify .
        said '^ours     libexec/anvil$'
        is_killed restore
        rm /tmp/bin/make
        : >src/anvil/anvil
        : >libexec/anvil
        says "$is_c_again" postfix-object restore .
        bytes | diff /tmp/built -"#,
    )
}

fn failing_make_brings_back_the_c_object() -> Result<()> {
    in_shared(
        r#"cp src/master/master_proto.o /tmp/c.o
        echo 'echo no room; exit 1' | stand_in make
        fails 'the C object is back' postfix-object replace .
        said '^no room$'
        cmp /tmp/c.o src/master/master_proto.o
        rm /tmp/bin/make
        refuses "$not_ours" postfix-object verify .
        says "$is_c_again" postfix-object restore ."#,
    )
}

/// From one checkout.
fn two_trees_at_once_have_logs_of_their_own_and_one_tree_is_refused() -> Result<()> {
    in_shared(
        r#"cp -a . /tmp/two
        stand_in make <<'END'
echo "in $PWD"
: >"/tmp/in ${PWD##*/}"
until [ -e /tmp/go ]; do sleep 0.1; done
exit 1
END
        postfix-object replace . 2>"/tmp/error of a tree" &
        postfix-object replace /tmp/two 2>"/tmp/error of two" &
        until [ -e "/tmp/in a tree" ] && [ -e "/tmp/in two" ]; do sleep 0.1; done
        for action in replace restore; do
            refuses 'another replace or restore is at work' timeout 60 postfix-object $action .
        done
        : >/tmp/go
        wait
        for name in 'a tree' two; do
            log=/tmp/$name/src/master/master_proto.o.log
            echo "in /tmp/$name" | diff - "$log"
            cp "/tmp/error of $name" /tmp/said
            said "^in /tmp/$name\$"
            said "The full log: $log"
        done"#,
    )
}

/// Programs that do not show their symbols: the C code is local or inlined in each,
/// and some are stripped as well. All are counted, interrupted or not.
fn link_time_optimised_and_stripped_programs_are_judged() -> Result<()> {
    in_static(
        r#"# No makefile seems to be newer.
        for makefile in src/s*/Makefile; do
            touch -r "$makefile" /tmp/time
            sed -i '/^SYSLIBS/s/$/ -s/' "$makefile"
            touch -r /tmp/time "$makefile"
        done
        rm src/master/*.o
        make -C src/master OPT='-O -flto' update
        make
        nm libexec/smtpd >/tmp/said 2>&1
        said 'no symbols'
        nm libexec/cleanup >/tmp/said
        said ' T main'
        said_no ' T master_notify'

        echo 'kill -9 0' | stand_in make
        is_killed replace
        rm /tmp/bin/make
        refuses "$not_ours" postfix-object verify .
        said_no '^ours'
        [ "$(grep -c '^C ' /tmp/said)" -eq 27 ]
        says 'all 27 files' postfix-object replace .
        says "$is_c_again" postfix-object restore ."#,
    )
}

// What else undoes a replacement, or makes it incomplete.

fn verify_tells_of_an_empty_program() -> Result<()> {
    in_copy_of(
        "ours-static",
        r#": >libexec/virtual
        refuses '1 of the 27 files' postfix-object verify .
        said '^empty    libexec/virtual$'
        rm libexec/virtual
        refuses '1 of the 27 files' postfix-object verify .
        said '^missing  libexec/virtual$'
        says "$all_ours" postfix-object replace ."#,
    )
}

fn verify_tells_of_an_object_with_an_old_time() -> Result<()> {
    in_shared(
        r#"cp "$object" /tmp/old.o
        touch -d 2001-01-01 /tmp/old.o
        cp -p /tmp/old.o src/master/master_proto.o
        refuses "$not_ours" postfix-object verify .
        said 'the next make in /tmp/a tree compiles the C file over our object'
        make
        refuses "$not_ours" postfix-object verify .
        said_no '^ours'"#,
    )
}

/// An object put into the archive is lost in the next make that changes it.
fn verify_tells_what_an_archive_loses() -> Result<()> {
    in_static(
        r#"ar r lib/libmaster.a "$object"
        make
        says "$all_ours" postfix-object verify .
        said 'our object was linked from elsewhere; the next make'
        touch src/master/single_server.o
        make -C src/master update
        refuses "$not_ours" postfix-object verify .
        said '^C        lib/libmaster.a$'"#,
    )
}

fn verify_tells_what_a_copied_tree_loads() -> Result<()> {
    in_copy_of(
        "ours-shared",
        r#"says "$all_ours" postfix-object verify .
        said 'load /mnt/postfix/shared/lib/libpostfix-master.so, whose code is: C$'
        mount --bind . /mnt/postfix/shared
        says "$all_ours" postfix-object verify /mnt/postfix/shared
        said_no 'note: the programs'"#,
    )
}

fn code_labels_every_file() -> Result<()> {
    in_static(
        r#"strip -s -o /tmp/stripped libexec/smtpd
        : >/tmp/empty
        cat >/tmp/expected <<END
ours     $object
ours     /mnt/checkout/build/libmaster_proto.a
ours     /mnt/checkout/build/libmaster_proto.so
C        libexec/smtpd
C        /tmp/stripped
C        /mnt/postfix/shared/lib/libpostfix-master.so
none     src/master/single_server.o
none     /mnt/postfix/shared/libexec/smtpd
none     /bin/sh
empty    /tmp/empty
END
        cut -c 10- /tmp/expected | xargs postfix-object code | diff /tmp/expected -
        refuses 'there is no file /nowhere' postfix-object code /nowhere"#,
    )
}

// What is refused, without a change.

fn what_is_no_built_tree_is_refused() -> Result<()> {
    in_copy_of(
        "source",
        r#"mkdir -p /tmp/none /tmp/old/src/master /tmp/old/libexec
        echo 'hello' >/tmp/none/file
        echo 'extern int master_notify(int, int);' >/tmp/old/src/master/master_proto.h
        touch /tmp/old/src/master/master_proto.c /tmp/old/src/master/master_proto.o /tmp/old/libexec/smtpd
        for action in replace restore verify; do
            cd "$tree"
            refuses "is not built yet. Run Postfix's own 'make' there first; nothing was changed" \
                postfix-object $action .
            cd /tmp/none
            refuses 'is not a Postfix source tree' postfix-object $action .
            cd /tmp/old
            refuses 'is older than Postfix 2.2' postfix-object $action .
            refuses '/nowhere is not a folder' postfix-object $action /nowhere
            refuses 'POSTFIX= is missing' our_make postfix-$action
        done
        refuses 'usage: ' postfix-object replace
        refuses 'usage: ' postfix-object rename ."#,
    )
}

fn what_cannot_be_replaced_or_restored_is_refused() -> Result<()> {
    in_shared(
        r#"refuses 'was not replaced' postfix-object restore .
        refuses 'there is no /nowhere.o' postfix-object replace . /nowhere.o
        refuses 'has no note of ours' postfix-object replace . src/master/master_proto.o
        # The machine number in the ELF header: that of no processor here.
        cp "$object" /tmp/other.o
        printf '\377\376' | dd of=/tmp/other.o bs=1 seek=18 conv=notrunc
        refuses 'is for another architecture' postfix-object replace . /tmp/other.o
        # Any of the folders that make writes to.
        chown -R postfix .
        for folder in lib src/smtpd; do
            chown root $folder
            refuses "$PWD/$folder is not writable for postfix" \
                setpriv --reuid=postfix --regid=postfix --clear-groups "$(command -v postfix-object)" replace .
            chown postfix $folder
        done
        cp "$object" src/master/master_proto.o
        refuses 'no C object was kept.*Nothing was changed' postfix-object replace ."#,
    )
}
