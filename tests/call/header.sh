#!/bin/sh
# Each source of Postfix that includes master_proto.h compiles to the same object with
# ours as with Postfix's: tests/call/header.sh TREE. Debug information is left out,
# which names the lines of the header.
set -eu
unset CDPATH
tree=$TREES/$1
for whose in theirs ours; do
    mkdir -p "$TMPDIR/$whose"
    (cd "$tree" && find src include -name '*.[ch]' -print | tar -c -T - -f -) | tar -x -C "$TMPDIR/$whose" -f -
done
cp include/master_proto.h "$TMPDIR/ours/src/master"
cp include/master_proto.h "$TMPDIR/ours/include"

setting() { # NAME: of the options that Postfix's make compiles with
    sed -n "s/^$1[[:space:]]*=[[:space:]]*//p" "$tree/conf/makedefs.out" | sed "s/[$](WARN)//"
}
compiler="$(setting CC) -O2 -D$(setting SYSTYPE)"
for whose in theirs ours; do
    cd "$TMPDIR/$whose"
    mkdir objects
    grep -rlE --include='*.c' '^#include.*[<"]master_proto\.h[>"]' src | while read -r file; do
        (cd "${file%/*}" && eval "$compiler" '-c "${file##*/}" -o "../../objects/$(echo "$file" | tr / _).o"')
    done
done
for name in single_server multi_server trigger_server event_server dgram_server mail_flow master_avail \
    master_ent master_flow master_proto master_spawn master_status qmgr tlsmgr postconf_master; do
    ls "$TMPDIR/theirs/objects/"*"_$name.c.o"
done
diff -r "$TMPDIR/theirs/objects" "$TMPDIR/ours/objects"
