# The tests of tools/postfix-object, each a function, in a copy of a Postfix tree:
#
#   sh -eux tests/postfix/replace.sh FUNCTION [ARGUMENT]
#
# shellcheck shell=sh
set -eu
unset CDPATH
object=$CHECKOUT/build/master_proto.o
tools=$CHECKOUT/tools
# A program that stands in bin takes the place of the real one.
mkdir "$TMPDIR/bin"
PATH=$TMPDIR/bin:$tools:$PATH

# shellcheck source=tests/postfix/trees.sh
. "$CHECKOUT/tests/postfix/trees.sh"
is_ours() {
    ends 0 'contain our code, and the next make keeps it' postfix-object verify .
}
# is_undone TEXT: verify fails and says this.
is_undone() {
    ends 1 "Run 'postfix-object replace $tree', or restore" postfix-object verify .
    said "$1"
}
# said TEXT: among all that the last of these has printed.
said() {
    grep -e "$1" "$TMPDIR/said"
}
said_no() {
    [ -f "$TMPDIR/said" ]
    ! grep -e "$1" "$TMPDIR/said"
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
    { echo '#!/bin/sh' && cat; } >"$TMPDIR/bin/$1"
    chmod +x "$TMPDIR/bin/$1"
}
as_daemon() {
    setpriv --reuid=daemon --regid=daemon --clear-groups "$@"
}

# like TREE: its programs and libraries are those of that tree, which may have more.
like() {
    for file in lib/* libexec/*; do cmp "$file" "$TREES/$1/$file"; done
}
# configure FLAG: as the tree was configured, with one more compiler flag.
configure() {
    sed -n '/^# Start of/,/^# End of/s/^# \(.*=.*\)/\1/p' conf/makedefs.out |
        sed "/^CCARGS=/s/\$/$1/" | xargs -d '\n' make -s makefiles DEBUG=
}

# our_make TARGET: it hands down flags and a job server, and does not build the object.
our_make() {
    make -j4 -C "$CHECKOUT" -o all "$@" POSTFIX="$PWD"
}
# compiled: the times of all that was compiled from C but the object.
compiled() {
    find . -name '*.o' ! -name 'master_proto.o' -printf '%p %T@\n' | sort
}
restore_brings_back_every_byte() {
    for tree_with in 'copy static' 'few newest-shared'; do
        $tree_with
        bytes >"$TMPDIR/built"
        compiled >"$TMPDIR/compiled"
        nm -gA src/master/master_proto.o lib/* libexec/* bin/* 2>/dev/null |
            sed -n '/ T master_notify$/s/\([^:]*\).*/ours     \1/p' | sort >"$TMPDIR/expected"
        is_undone '^C        src/master/master_proto.o'
        said_no '^ours'
        our_make postfix-replace
        cmp "$object" src/master/master_proto.o
        compiled | diff "$TMPDIR/compiled" -
        is_ours
        grep '^ours' "$TMPDIR/said" | sort | diff "$TMPDIR/expected" -
        our_make postfix-verify
        our_make postfix-restore
        bytes | diff "$TMPDIR/built" -
        is_undone '^C        src/master/master_proto.o'
    done
}

# undone TEXT COMMAND...: after this command verify fails with this text, and make then
# has the C object.
undone() {
    text=$1
    shift
    "$@"
    is_undone "$text"
    make -C src/master master_proto.o
    postfix-object code src/master/master_proto.o | grep '^C '
}
mended() {
    cp "$object" src/master/master_proto.o
    is_ours
}
verify_fails_for_what_the_next_make_undoes() {
    few static
    cp "$object" "$TMPDIR/old.o"
    postfix-object replace .
    configure '' # as before, which is harmless
    make
    is_ours

    # make copies a header of src to include if it differs.
    echo >>src/util/msg.h
    state >"$TMPDIR/before"
    is_undone '^src/util/msg.h differs'
    state | diff "$TMPDIR/before" -
    cp include/msg.h src/util
    touch -r include/msg.h "$TMPDIR/time"
    undone 'include/msg.h' touch include/msg.h
    # Else make would compile nearly all.
    touch -r "$TMPDIR/time" include/msg.h
    mended
    undone 'master_proto.h' touch src/master/master_proto.h
    mended
    undone 'master_proto.h' touch -d 2100-01-01 src/master/master_proto.h
    ends 1 'Run ' postfix-object replace .
    said 'from the future, are:'
    touch src/master/master_proto.h
    postfix-object replace .
    touch -d 2001-01-01 "$TMPDIR/old.o"
    undone 'The next make compiles' cp -p "$TMPDIR/old.o" src/master/master_proto.o
    mended
    undone '^C        src/master' cp -p src/master/master_proto.o.postfix src/master/master_proto.o
    mended
    undone '^missing  src/master/master_proto.o' make -C src/master clean
    mended
    # Postfix's makefiles without what "make depend" adds.
    sed -i '/^# do not edit/,$d' src/master/Makefile.in src/master/Makefile
    undone 'master_proto.c' touch src/master/master_proto.c
    mended
    undone 'conf/makedefs.out' configure ' -DOTHER'
}

verify_fails_for_what_is_broken_or_missing() {
    for kind in static shared; do
        few "ours-$kind"
        : >libexec/virtual
        is_undone '^broken   libexec/virtual$'
        head -c 9999 /dev/zero >libexec/virtual
        is_undone '^broken   libexec/virtual$'
        head -c 9999 src/virtual/virtual >libexec/virtual
        is_undone '^broken   libexec/virtual$'
        rm libexec/virtual
        is_undone '^missing  libexec/virtual$'
        cp src/virtual/virtual libexec
        is_ours
        # The next make copies it.
        : >src/virtual/virtual
        is_undone '^broken   src/virtual/virtual$'
        cp "$TREES/static/libexec/error" libexec/other
        is_undone '^C        libexec/other$'
        rm libexec/other lib/lib*master.*
        is_undone '^missing  lib/lib.*master'
        postfix-object replace .
        like "ours-$kind"
    done
}

verify_exits_with_2_if_it_cannot_tell() {
    few ours-static
    mv conf/makedefs.out conf/away
    ends 2 'make cannot tell' postfix-object verify .
    mv conf/away conf/makedefs.out
    cp -R "$tools" "$TMPDIR/tools"
    for file in libexec/virtual src/master/master_proto.o src/anvil/Makefile src/master/Makefile lib; do
        mode=$(stat -c %a "$file")
        chmod go= "$file"
        ends 2 'cannot ' as_daemon "$TMPDIR/tools/postfix-object" verify .
        chmod "$mode" "$file"
    done
    ends 0 'contain our code' as_daemon "$TMPDIR/tools/postfix-object" verify .
    ends 2 'Nothing was changed' as_daemon "$TMPDIR/tools/postfix-object" restore .
    is_ours
}

# As after an update of ours: the C object is the one that was kept first.
replace_takes_another_build_and_restore_needs_none() {
    few shared
    cp src/master/master_proto.o "$TMPDIR/c.o"
    { cat "$object" && echo; } >"$TMPDIR/another.o"
    (cd "$TMPDIR" && postfix-object replace "$tree" another.o)
    is_ours
    said "is another build than $object"
    postfix-object replace .
    cp -R "$tools" "$TMPDIR/tools"
    ends 2 "Run 'make' first; nothing was changed" "$TMPDIR/tools/postfix-object" replace .
    ends 0 'contains the C object again' "$TMPDIR/tools/postfix-object" restore .
    cmp "$TMPDIR/c.o" src/master/master_proto.o
    # Without a kept object, make compiles the same.
    postfix-object replace .
    rm src/master/master_proto.o.postfix
    postfix-object restore .
    cmp "$TMPDIR/c.o" src/master/master_proto.o
}

our_header_takes_the_place_of_postfix_s() {
    few static
    cp "$CHECKOUT/include/master_proto.h" src/master
    make
    ends 0 'contain our code' postfix-object replace .
    sed -i 's/\(master_notify(\).*)/\1int, int)/' src/master/master_proto.h
    for action in replace restore verify; do
        ends 2 'is older than Postfix 2.2' postfix-object $action .
    done
}

# killed_at STEP ACTION: the programs that it runs, make's too, are counted. At this one
# all of it is killed, and what it has written is cut off, as by a power failure.
killed_at() {
    killers=$TMPDIR/killers
    mkdir -p "$killers"
    for name in rm mv cp make gcc ar; do
        cat >"$killers/$name" <<END
#!/bin/sh
PATH="$PATH"
echo >>"$TMPDIR/steps"
if [ \$(wc -l <"$TMPDIR/steps") -ge $1 ]; then
    find "$tree" -type f -newer "$TMPDIR/start" -exec truncate -s 99 {} +
    kill -9 0
fi
PATH="$killers:\$PATH"
exec "$(command -v "$name")" "\$@"
END
        chmod +x "$killers/$name"
    done
    true >"$TMPDIR/steps"
    touch "$TMPDIR/start"
    status=0
    PATH=$killers:$PATH setsid postfix-object "$2" . >"$TMPDIR/said" 2>&1 || status=$?
    cat "$TMPDIR/said"
    [ "$status" -eq 137 ]
    ! postfix-object verify . || like ours-static
}
killed_replace_and_restore_end_well_when_run_again() {
    few static
    bytes >"$TMPDIR/built"
    steps=${*:-1 2 4 5 8 11}
    for step in $steps; do
        killed_at "$step" replace
        said_no '^all'
    done
    # It takes what is left for complete.
    make || :
    is_undone '^broken '
    postfix-object replace .
    like ours-static
    for step in $steps; do
        killed_at "$step" restore
    done
    postfix-object restore .
    bytes | diff "$TMPDIR/built" -
}

# A limit for the size of files instead of a full disk: half a library, and no program.
a_full_disk_is_told_and_run_again_helps() {
    few static
    bytes >"$TMPDIR/built"
    for action in replace restore; do
        ends 1 "Mend this, then run 'postfix-object replace $tree', or restore. The full log: $tree/src/" \
            sh -c "trap '' XFSZ; ulimit -f 40; postfix-object $action ."
        ends 1 'Run ' postfix-object verify .
        said 'has not ended well'
        postfix-object $action .
    done
    bytes | diff "$TMPDIR/built" -
}

# Whoever owns the tree, after whatever root has done in it.
root_and_the_owner_take_turns() {
    few static
    cp -R "$tools" "$TMPDIR/tools"
    cp "$object" "$TMPDIR"
    chown -R daemon .
    bytes >"$TMPDIR/built"
    owner="as_daemon $TMPDIR/tools/postfix-object"
    postfix-object replace .
    $owner restore .
    bytes | diff "$TMPDIR/built" -
    echo 'echo no room; exit 1' | stand_in make
    ends 1 'Mend this, then' postfix-object replace .
    said '^no room$'
    rm "$TMPDIR/bin/make"
    $owner replace . "$TMPDIR/master_proto.o"
    postfix-object restore .
    $owner replace . "$TMPDIR/master_proto.o"
    $owner restore .
    bytes | diff "$TMPDIR/built" -
}

# Programs that do not show their symbols: the C code is local or inlined in each, and
# some are stripped as well.
link_time_optimised_and_stripped_programs_are_judged() {
    few static
    # No makefile seems to be newer.
    touch -r src/anvil/Makefile "$TMPDIR/time"
    sed -i '/^SYSLIBS/s/$/ -s/' src/anvil/Makefile
    touch -r "$TMPDIR/time" src/anvil/Makefile
    rm src/master/*.o
    make -C src/master OPT='-O -flto' update
    make
    bytes >"$TMPDIR/built"
    nm libexec/anvil 2>&1 | grep 'no symbols'
    nm libexec/virtual >"$TMPDIR/said"
    said ' T main'
    said_no ' T master_notify'
    is_undone '^C        libexec/virtual'
    [ "$(grep -c '^C ' "$TMPDIR/said")" -eq 5 ]
    ends 0 'all 5 files' postfix-object replace .
    # make would compile the C file with other options.
    ends 0 'contains the C object again' postfix-object restore .
    bytes | diff "$TMPDIR/built" -
}

verify_tells_which_library_the_programs_load() {
    few ours-shared smtpd
    rm libexec/smtpd src/smtpd/smtpd
    make -C src/smtpd SHLIB_RPATH="-Wl,-rpath,$TREES/shared/lib" update
    is_ours
    said "load $TREES/shared/lib/libpostfix-master.so, which is: C\$"
    rm libexec/smtpd src/smtpd/smtpd
    make -C src/smtpd SHLIB_RPATH="-Wl,-rpath,'$PWD/lib'" update
    is_ours
    said_no '^note: '
}

code_labels_every_file() {
    cd "$CHECKOUT"
    strip -s -o "$TMPDIR/stripped" "$TREES/static/libexec/smtpd"
    true >"$TMPDIR/empty"
    cat >"$TMPDIR/expected" <<END
ours     $object
ours     build/libmaster_proto.a
ours     build/libmaster_proto.so
C        $TREES/static/libexec/smtpd
C        $TMPDIR/stripped
C        $TREES/shared/lib/libpostfix-master.so
none     $TREES/static/src/master/single_server.o
none     $TREES/shared/libexec/smtpd
none     /bin/sh
broken   $TMPDIR/empty
END
    cut -c 10- "$TMPDIR/expected" | tr '\n' '\0' | xargs -0 postfix-object code >"$TMPDIR/labels" || [ $? -eq 123 ]
    diff "$TMPDIR/expected" "$TMPDIR/labels"
    ends 0 '^ours ' postfix-object code build/master_proto.o build/libmaster_proto.so
    ends 1 '^C ' postfix-object code build/master_proto.o "$TMPDIR/stripped"
    ends 2 'there is no file /nowhere' postfix-object code build/master_proto.o /nowhere
}

what_cannot_work_is_refused_without_a_change() {
    mkdir "$TMPDIR/none"
    copy source
    for action in replace restore verify; do
        ends 2 "is not built yet. Run Postfix's own 'make' there first; nothing was changed" postfix-object $action .
        ends 2 'is not a Postfix source tree' postfix-object $action "$TMPDIR/none"
        ends 2 '/nowhere is not a directory' postfix-object $action /nowhere
        ends 2 'POSTFIX= is missing' make -C "$CHECKOUT" -o all postfix-$action
    done
    ends 2 'usage: ' postfix-object replace
    ends 2 'usage: ' postfix-object rename .
    diff -r . "$TREES/source"
    cd "$TREES/static"
    state >"$TMPDIR/before"
    ends 2 'there is no /nowhere.o' postfix-object replace . /nowhere.o
    ends 2 'has no note of ours' postfix-object replace . src/master/master_proto.o
    state | diff "$TMPDIR/before" -
}

"$@"
