#!/bin/sh
# NetBSD's build takes our object in: contrib/netbsd.patch, with bmake and its
# NetBSD rules, on a small tree of the shape of NetBSD's.
#
# Called by scripts/test.sh. The sources are those of the Postfix at hand.
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
. "$root/scripts/checks.sh"
rules=/usr/share/bmake/mk-netbsd
need bmake patch ar cmp
[ -f "$rules/bsd.lib.mk" ] || die "there is no $rules/bsd.lib.mk. 'make deps' installs it."

"$root/scripts/build.sh" "$root/build"
tree=$("$root/scripts/postfix-build.sh" static)
# make knows no path with a space.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
object=$work/ours/master_proto.o
mkdir "$work/ours"
cp "$root/build/master_proto.o" "$object"
top=$work/src/external/ibm-public/postfix
library=$top/lib/masterlib
mkdir -p "$library" "$top/libexec/anvil" "$top/dist/src" "$work/lib"
cp -R "$tree/include" "$tree/lib" "$work"
for folder in master anvil; do
    mkdir "$top/dist/src/$folder"
    cp "$tree/src/$folder"/*.[ch] "$top/dist/src/$folder"
done

cat >"$library/Makefile" <<'END'
LIBISPRIVATE=	yes

.include <bsd.own.mk>

LIB=	master

DIST=	${NETBSDSRCDIR}/external/ibm-public/postfix/dist/src/${LIB}
.PATH:	${DIST}

SRCS=	single_server.c multi_server.c trigger_server.c master_proto.c \
	mail_flow.c event_server.c dgram_server.c

.include <bsd.lib.mk>
END
cat >"$top/libexec/anvil/Makefile" <<'END'
NOMAN=	# defined

.include <bsd.own.mk>

PROG=	anvil

DIST=	${NETBSDSRCDIR}/external/ibm-public/postfix/dist/src/${PROG}
.PATH:	${DIST}

DPADD+=	${LIBPMASTER} ${LIBPGLOBAL} ${LIBPUTIL}
LDADD+=	${LIBPMASTER} ${LIBPGLOBAL} ${LIBPUTIL} ${MORE}

.include <bsd.prog.mk>
END

# build FOLDER [VARIABLE=VALUE...]
build() {
    (
        unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MAKE
        cd "$1"
        shift
        system=$(sed -n 's/^SYSTYPE[[:space:]]*=[[:space:]]*//p' "$tree/conf/makedefs.out")
        bmake -m "$rules" NETBSDSRCDIR="$work/src" LIBPMASTER="$library/libmaster.a" \
            LIBPGLOBAL="$work/lib/libglobal.a" LIBPUTIL="$work/lib/libutil.a" MORE="-lresolv -lnsl -ldl" \
            CPPFLAGS="-I$work/include -I$top/dist/src/master -D$system" WARNS=0 MKMAN=no MKLINT=no "$@"
    )
}
clean() {
    build "$library" cleandir
    build "$top/libexec/anvil" cleandir
}
code() {
    "$root/tools/postfix-object" code "$1" | cut -d ' ' -f 1
}
is_ours() {
    [ "$(code "$1")" = ours ] || die "$1 contains '$(code "$1")' code"
}
is_c() {
    [ "$(code "$1")" = other ] || die "$1 contains '$(code "$1")' code"
}

stock() {
    build "$library"
    build "$top/libexec/anvil"
    is_c "$top/libexec/anvil/anvil"
}
# Before the library, our object wins.
object_first() {
    rm -f "$top/libexec/anvil/anvil"
    build "$top/libexec/anvil" LDADD="$object $library/libmaster.a $work/lib/libglobal.a $work/lib/libutil.a -lresolv -lnsl -ldl"
    is_ours "$top/libexec/anvil/anvil"
    clean
}
patched() {
    patch -p1 -d "$work/src" <"$root/contrib/netbsd.patch"
    rm -f "$library"/*.orig
    build "$library" MASTER_PROTO_OBJ="$object"
    build "$top/libexec/anvil"
    is_ours "$top/libexec/anvil/anvil"
    is_ours "$library/libmaster.a"
    for member in "$library"/master_proto.*o; do
        cmp "$object" "$member"
    done
    [ "$(ar t "$library/libmaster.a" | grep -c '^master_proto.o$')" -eq 1 ]
}
# make sees a new object.
object_changes() {
    touch "$object"
    build "$library" MASTER_PROTO_OBJ="$object" | tee "$work/again"
    grep -q 'cp .*master_proto.o' "$work/again"
    if grep 'master_proto\.c' "$work/again"; then
        die "make compiled the C file"
    fi
    is_ours "$library/libmaster.a"
    clean
}
patched_without_object() {
    build "$library"
    build "$top/libexec/anvil"
    is_c "$top/libexec/anvil/anvil"
    clean
}
# The two ways that look right and are not; the patch's comments name them.
trap_of_sources() {
    sed -i 's/cp \${MASTER_PROTO_OBJ}/cp ${.ALLSRC}/' "$library/Makefile"
    if build "$library" MASTER_PROTO_OBJ="$object"; then
        die "cp \${.ALLSRC} works here: is the patch's comment still true?"
    fi
    clean
}
trap_of_objects() {
    sed -i -e '/^SRCS:=/d' -e '/^master_proto\.o /d' -e '/cp \${/d' "$library/Makefile"
    build "$library" MASTER_PROTO_OBJ="$object"
    is_c "$library/libmaster.a"
}

check "as it is: the C code" stock
check "no patch, our object before the library" object_first
check "contrib/netbsd.patch: library and program contain ours" patched
check "a new object is taken, the C file is not compiled" object_changes
check "the patch without MASTER_PROTO_OBJ: the C code" patched_without_object
check "the trap of .ALLSRC: make fails" trap_of_sources
check "the trap of OBJS+= alone: the check finds the C code" trap_of_objects
end_checks netbsd
