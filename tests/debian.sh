#!/bin/sh
# Builds Debian's postfix package with our object inside, compares it with the one that
# Debian ships, and leaves it, with the libraries that it needs, in $TMPDIR/installed.
#
#   debian.sh EDIT BUILD LIST    three blocks of commands of docs/postfix.md: to edit the
#                                source and build it as an ordinary user, to build it as
#                                root, and to list the files with our code
set -eux
unset CDPATH
edit=$1 build=$2 list=$3
stock=$PWD/build/postfix/debian-binary
ln -s "$PWD" "$TMPDIR/master_proto"
cp -a build/postfix/source "$TMPDIR/postfix-source"

# As root and as an ordinary user, the same commands, except for setpriv.
as_root=$(echo "$build" | grep setpriv)
confine=$(echo "$as_root" | sed 's/.*\(setpriv .*\)dpkg-buildpackage .*/\1/')
as_user=$(echo "$as_root" | sed 's/setpriv .*dpkg-buildpackage/dpkg-buildpackage/')
[ "$(echo "$edit" | grep dpkg-buildpackage)" = "$as_user" ]

# The rules of Debian 12 try to set the clock, those of 13 do not. Without the capability
# for it, CAP_SYS_TIME, in any set but the ambient one, they cannot.
$confine sed -n 's/^Cap[^A].*:.//p' /proc/self/status >"$TMPDIR/sets"
[ -s "$TMPDIR/sets" ]
while read -r set; do
    [ $((0x$set >> 25 & 1)) -eq 0 ]
done <"$TMPDIR/sets"
(
    cd "$TMPDIR/postfix-source"
    eval "$(echo "$edit" | grep -v dpkg-buildpackage | sed "s|/path/to|$TMPDIR|")"
    eval "$(echo "$as_root" | sed "s|/path/to|$TMPDIR|")" >../build.log 2>&1 || {
        tail -n 30 ../build.log >&2
        exit 1
    }
    ! grep 'date -s' debian/rules || grep 'date: cannot set date' ../build.log
    # Make only linked, except two files that the rules of Debian 13 have written anew.
    ours=src/master/master_proto.o
    [ -n "$(find lib -name 'libpostfix-master.so*' -newer $ours)" ]
    if find src -name '*.o' -newer $ours | grep -v -e '/postfix\.o$' -e '/postmulti\.o$'; then exit 1; fi
)

# The version is newer, until Debian updates the package; Debian counts like this.
old=$(dpkg-deb --field "$stock"/packages/postfix_*.deb Version)
new=$(dpkg-deb --field "$TMPDIR"/postfix_*.deb Version)
[ "$new" = "$old+ours1" ]
dpkg --compare-versions "$new" gt "$old"
dpkg --compare-versions "$new" lt "${old%u*}u$((${old##*u} + 1))"

# The library contains our code, and no daemon has code of its own.
dpkg-deb --extract "$TMPDIR"/postfix_*.deb "$TMPDIR/package"
eval "$(echo "$list" | sed "s| /usr| $TMPDIR/package/usr|")" | grep '  master_proto 1\.'
for daemon in "$TMPDIR"/package/usr/lib/postfix/sbin/*; do
    readelf -h "$daemon" >"$TMPDIR/header" 2>&1 || continue # a script
    tools/postfix-object code "$daemon" | grep '^none '
done

# What the linker and the loader see of the library is the same.
describe() {
    nm -D --defined-only "$1" | awk '{ print $2, $3 }'
    nm -D --undefined-only "$1" | awk '{ print $NF }'
    readelf -dW "$1" | sed -n 's/.*(\(NEEDED\|SONAME\|RUNPATH\|RPATH\|FLAGS\|FLAGS_1\|BIND_NOW\|TEXTREL\|SYMBOLIC\)) */\1 /p'
    readelf -lW "$1" | sed -n 's/^ *\(GNU_STACK\|GNU_RELRO\) .* \([RWE ]\{3\}\) .*/\1 \2/p'
    readelf -nW "$1" | grep Properties || echo no properties
}
library=usr/lib/postfix/libpostfix-master.so
describe "$stock/unpacked/$library" | sort -u >"$TMPDIR/stock.txt"
describe "$TMPDIR/package/$library" | sort -u >"$TMPDIR/ours.txt"
diff -u "$TMPDIR/stock.txt" "$TMPDIR/ours.txt" >&2
for kind in 'T master_notify' NEEDED SONAME RUNPATH GNU_RELRO GNU_STACK; do
    grep "^$kind" "$TMPDIR/stock.txt"
done

cp -R "$stock/unpacked" "$TMPDIR/installed"
dpkg-deb --extract "$TMPDIR"/postfix_*.deb "$TMPDIR/installed"
tests/postfix/relocate.sh "$TMPDIR/installed"
