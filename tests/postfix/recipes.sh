# The ways of docs/postfix.md into Postfix without a tool of ours, each a function, in a
# copy of a Postfix tree:
#
#   sh -eux tests/postfix/recipes.sh FUNCTION [ARGUMENT...]
#
# shellcheck shell=sh disable=SC2016 # for make
set -eu
unset CDPATH
unset MAKE
PATH=$CHECKOUT/tools:$PATH
document=$CHECKOUT/docs/postfix.md
# Newer than the tree.
object=$TMPDIR/master_proto.o
cp "$CHECKOUT/build/master_proto.o" "$object"

# shellcheck source=tests/postfix/trees.sh
. "$CHECKOUT/tests/postfix/trees.sh"
tree=$TMPDIR/tree # no space: makefiles of the BSDs do not quote it
has() {
    [ "$(postfix-object code "$2" | cut -d ' ' -f 1)" = "$1" ]
}
lacks() {
    ! grep -e "$1" "$2"
}
# documented LINE: the lines of the document's block that begins so, for this checkout.
documented() {
    awk -v "first=$1" '/^```/ { shown = 0 } index($0, first) == 1 { shown = 1 } shown' "$document" |
        sed "s|/path/to/master_proto\.o|$object|; s|/path/to/master_proto/|\"\$CHECKOUT\"/|"
}
setting() {
    sed -n "s/^$1[[:space:]]*= *//p" conf/makedefs.out
}

# upstream_make MAKE TREE
upstream_make() {
    few "$2"
    documented 'make && cp ' | sed "s/^make /$1 /; s/&& make\$/\&\& $1 -j2/" >"$TMPDIR/commands"
    grep "^$1 && cp .* && $1 -j2\$" "$TMPDIR/commands"
    sh -eux "$TMPDIR/commands" >"$TMPDIR/said"
    cat "$TMPDIR/said"
    lacks ' -c .*\.c' "$TMPDIR/said"
    tail -n 1 "$TMPDIR/said" | grep 'the next make keeps it'
    "$1" >"$TMPDIR/said"
    lacks ' -o ' "$TMPDIR/said"
}

# In a makefile of the BSDs, called by their make, with a port's settings in its environment.
post_build_of_a_port() {
    few "$1"
    { echo "WRKSRC= $PWD" && documented post-build:; } >"$TMPDIR/Makefile"
    (cd "$TMPDIR" && CFLAGS=-O3 bmake -j2 'DO_MAKE_BUILD=${MAKE}' post-build) >"$TMPDIR/said"
    lacks ' -c .*\.c' "$TMPDIR/said"
    postfix-object verify . "$object"
}

# smtpd is linked as after `make makefiles` with these AUXLIBS.
with_auxlibs() {
    AUXLIBS=$1 CCARGS=-DNO_DB shared=yes sh ./makedefs >"$TMPDIR/settings"
    libraries=$(sed -n 's/^SYSLIBS[[:space:]]*=//p' "$TMPDIR/settings")
    echo "$libraries" | grep -F -e "$1"
    rm src/smtpd/smtpd
    make -C src/smtpd SYSLIBS="$libraries" smtpd
}
# Where the dynamic linker finds master_notify for the calls of libpostfix-master.so.
is_bound_to() {
    LD_LIBRARY_PATH=lib LD_DEBUG=bindings LD_BIND_NOW=1 src/smtpd/smtpd 2>&1 | grep "symbol .master_notify'" >"$TMPDIR/bound"
    grep " to $1 " "$TMPDIR/bound"
}
auxlibs_are_not_the_place() {
    few shared smtpd
    cp "$CHECKOUT"/build/libmaster_proto.so* "$TMPDIR"
    with_auxlibs "-L$TMPDIR -Wl,-rpath,$TMPDIR -Wl,--no-as-needed -lmaster_proto"
    readelf -d src/smtpd/smtpd | grep 'NEEDED.*libmaster_proto.so.1'
    is_bound_to lib/libpostfix-master.so
    with_auxlibs "$object"
    is_bound_to src/smtpd/smtpd
    few static smtpd
    ! (with_auxlibs "$object") >"$TMPDIR/said" 2>&1 || exit 1
    grep 'multiple definition of' "$TMPDIR/said"
}

# NetBSD's make and rules, on a small tree of the shape of NetBSD's, with the sources of
# the Postfix at hand.
netbsd() {
    cd "$TREES/static"
    source=$TMPDIR/src postfix=$TMPDIR/src/external/ibm-public/postfix
    library=$postfix/lib/masterlib/libmaster.a
    anvil=$postfix/libexec/anvil/anvil
    mkdir -p "${library%/*}" "${anvil%/*}" "$postfix/dist/src/master" "$postfix/dist/src/anvil"
    # anvil needs three files of the library.
    for name in single trigger event dgram; do : >"$postfix/dist/src/master/${name}_server.c"; done
    cp src/master/*.h src/master/multi_server.c src/master/mail_flow.c src/master/master_proto.c "$postfix/dist/src/master"
    cp src/anvil/*.[ch] "$postfix/dist/src/anvil"
    cat >"${library%/*}/Makefile" <<'END'
LIBISPRIVATE=	yes

.include <bsd.own.mk>

LIB=	master

DIST=	${NETBSDSRCDIR}/external/ibm-public/postfix/dist/src/${LIB}
.PATH:	${DIST}

SRCS=	single_server.c multi_server.c trigger_server.c master_proto.c \
	mail_flow.c event_server.c dgram_server.c

.include <bsd.lib.mk>
END
    cat >"${anvil%/*}/Makefile" <<'END'
NOMAN=	# defined

.include <bsd.own.mk>

PROG=	anvil

DIST=	${NETBSDSRCDIR}/external/ibm-public/postfix/dist/src/${PROG}
.PATH:	${DIST}

DPADD+=	${LIBPMASTER} ${LIBPGLOBAL} ${LIBPUTIL}
LDADD+=	${LIBPMASTER} ${LIBPGLOBAL} ${LIBPUTIL} ${MORE}

.include <bsd.prog.mk>
END
    # Without the patch: the C file, or our object before the library.
    build lib/masterlib
    build libexec/anvil
    has C "$anvil"
    rm "$anvil"
    build libexec/anvil "LDADD=$object"' ${LIBPMASTER} ${LIBPGLOBAL} ${LIBPUTIL} ${MORE}'
    has ours "$anvil"

    documented 'patch -p1 <' | head -n 1 >"$TMPDIR/commands"
    (cd "$source" && sh -eux "$TMPDIR/commands")
    anew
    build lib/masterlib
    has C "$library"
    anew
    build lib/masterlib "MASTER_PROTO_OBJ=$object"
    build libexec/anvil
    has ours "$anvil"
    [ "$(ar t "$library" | grep -cx master_proto.o)" -eq 1 ]
    for member in "${library%/*}"/master_proto.*o; do
        cmp "$object" "$member"
    done
    older_than_ours
    build lib/masterlib "MASTER_PROTO_OBJ=$object" >"$TMPDIR/said"
    grep '^cp ' "$TMPDIR/said"
    lacks 'master_proto\.c' "$TMPDIR/said"

    # Two shorter patches look right and are not.
    cp "${library%/*}/Makefile" "$TMPDIR/patched"
    sed -i 's/cp ${MASTER_PROTO_OBJ}/cp ${.ALLSRC}/' "${library%/*}/Makefile"
    older_than_ours
    ! build lib/masterlib "MASTER_PROTO_OBJ=$object" >"$TMPDIR/said" 2>&1 || exit 1
    grep "^cp: target 'master_proto" "$TMPDIR/said"
    sed -e '/^SRCS:=/d' -e '/^master_proto\.o /d' -e '/cp \${/d' "$TMPDIR/patched" >"${library%/*}/Makefile"
    anew
    build lib/masterlib "MASTER_PROTO_OBJ=$object"
    has C "$library"
}
anew() {
    find "$postfix/lib" "$postfix/libexec" -type f ! -name 'Makefile*' -delete
}
# Copies of an object, which bmake compares to the second.
older_than_ours() {
    touch -t 200001010000 "${library%/*}"/master_proto.*o
}
# build DIRECTORY WORD...: NetBSD's make there.
build() {
    directory=$postfix/$1
    shift
    bmake -C "$directory" -m /usr/share/bmake/mk-netbsd WARNS=0 MKMAN=no MKLINT=no \
        NETBSDSRCDIR="$source" LIBPMASTER="$library" \
        LIBPGLOBAL="$PWD/lib/libglobal.a" LIBPUTIL="$PWD/lib/libutil.a" MORE="$(setting SYSLIBS)" \
        CC="$(setting CC | sed 's/ \$(WARN)//')" \
        CPPFLAGS="-I$PWD/include -I$postfix/dist/src/master -D$(setting SYSTYPE)" "$@"
}

"$@"
