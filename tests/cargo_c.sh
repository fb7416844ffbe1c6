#!/bin/sh
# Installs by make to $TMPDIR/make and by cargo-c to $TMPDIR/cargo, and compares.
#
#   cargo_c.sh VERSION
set -eux
unset CDPATH
version=$1 libdir=/usr/lib/triplet
make install DESTDIR="$TMPDIR/make" PREFIX=/usr LIBDIR=$libdir
build/cargo-c/bin/cargo-cinstall cinstall --locked --release \
    --destdir "$TMPDIR/cargo" --prefix /usr --libdir $libdir
for tree in make cargo; do
    (
        cd "$TMPDIR/$tree"
        find . ! -type d ! -name master_proto.o | sort
        cat usr/include/master_proto.h usr/share/man/man?/*
        cd .$libdir
        for link in *.so *.so.1; do basename "$(readlink -f "$link")"; done
        readelf -d libmaster_proto.so | grep -oE '(SONAME|NEEDED).*'
        nm -D --defined-only libmaster_proto.so | cut -d ' ' -f 3
        sort pkgconfig/master_proto.pc |
            sed -E '/^Libs.private:( -l(c|m|rt|pthread|util|dl|gcc|gcc_s|gcc_eh))*$/d'
    ) >"$TMPDIR/$tree.txt"
done
diff -u "$TMPDIR/make.txt" "$TMPDIR/cargo.txt" >&2
grep -Fx "libmaster_proto.so.$version" "$TMPDIR/cargo.txt"
grep 'SONAME.*\[libmaster_proto.so.1\]' "$TMPDIR/cargo.txt"
grep -x master_notify "$TMPDIR/cargo.txt"
