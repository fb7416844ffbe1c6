//! The ways into Postfix without a tool of ours: the upstream make, ports and
//! pkgsrc, AUXLIBS, and NetBSD's build. Each case is a script, run in a copy of a
//! tree.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    slow(testenv::cases![
        make_cp_make_links_ours_and_compiles_nothing for ["static", "newest-shared"],
        bmake_cp_bmake_links_ours_and_compiles_nothing for ["shared", "newest-static"],
        post_build_of_a_port_links_ours for ["shared", "newest-static"],
        auxlibs_with_the_library_has_no_effect,
        auxlibs_with_the_object_wins_in_a_shared_build,
        auxlibs_with_the_object_does_not_link_in_a_static_build,
        netbsd_as_it_is_has_the_c_code_or_the_object_before_the_library,
        netbsd_patched_takes_ours_and_a_newer_one,
        netbsd_patched_without_an_object_has_the_c_code,
        netbsd_trap_of_allsrc_fails,
        netbsd_trap_of_objs_alone_compiles_c,
    ])
}

fn in_static(script: &str) -> Result<()> {
    in_copy_of("static", script)
}

fn in_shared(script: &str) -> Result<()> {
    in_copy_of("shared", script)
}

fn in_copy_of(tree: &str, script: &str) -> Result<()> {
    sh!("cp -a /mnt/postfix/{tree} /tmp/tree
        cd /tmp/tree
        {WORDS}
        {script}")?;
    Ok(())
}

/// What the scripts are written in.
const WORDS: &str = r#"
unset MAKE
PATH=/mnt/checkout/tools:$PATH
document=/mnt/checkout/docs/postfix.md
# The object is newer than the tree.
object=/tmp/master_proto.o
cp /mnt/checkout/build/master_proto.o "$object"

# Whose code is in a file: ours or C.
has() {
    [ "$(postfix-object code "$2" | cut -d ' ' -f 1)" = "$1" ]
}

lacks() {
    ! grep -e "$1" "$2"
}

# The lines of the document's one block that begins so, for this checkout.
documented() {
    awk -v "first=$1" '/^```/ { shown = 0 } index($0, first) == 1 { shown = 1 } shown' "$document" |
        sed "s|/path/to/master_proto\.o|$object|; s|/path/to/master_proto/|/mnt/checkout/|"
}

upstream() {
    documented 'make && cp ' | sed "s/^make /$1 /; s/&& make\$/\&\& $1 -j2/" >/tmp/commands
    grep "^$1 && cp .* && $1 -j2\$" /tmp/commands
    sh -eux /tmp/commands >/tmp/said
    cat /tmp/said
    lacks ' -c .*\.c' /tmp/said
    tail -n 1 /tmp/said | grep 'contain our code'
    # And it stays.
    "$1" >/tmp/said
    lacks ' -o ' /tmp/said
}

with_auxlibs() {
    AUXLIBS=$1 CCARGS=-DNO_DB shared=yes sh ./makedefs >/tmp/settings
    libraries=$(sed -n 's/^SYSLIBS[[:space:]]*=//p' /tmp/settings)
    echo "$libraries" | grep -F -e "$1"
    rm src/smtpd/smtpd
    make -C src/smtpd SYSLIBS="$libraries" smtpd
}

# Where the dynamic linker finds master_notify for a library's calls.
is_bound_to() {
    LD_DEBUG=bindings LD_BIND_NOW=1 src/smtpd/smtpd 2>&1 | grep "symbol .master_notify'" >/tmp/bound
    grep " to $1 " /tmp/bound
}

netbsd_tree() {
    postfix=/tmp/src/external/ibm-public/postfix
    library=$postfix/lib/masterlib/libmaster.a
    anvil=$postfix/libexec/anvil/anvil
    mkdir -p "${library%/*}" "${anvil%/*}" $postfix/dist/src/master $postfix/dist/src/anvil
    cp src/master/*.[ch] $postfix/dist/src/master
    cp src/anvil/*.[ch] $postfix/dist/src/anvil
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
}

netbsd_patched() {
    netbsd_tree
    documented 'patch -p1 <' | head -n 1 >/tmp/commands
    (cd /tmp/src && sh -eux /tmp/commands)
}

# netbsd_build FOLDER WORD...: make there must succeed.
netbsd_build() {
    folder=$postfix/$1
    shift
    setting() { sed -n "s/^$1[[:space:]]*= *//p" conf/makedefs.out; }
    bmake -C "$folder" -m /usr/share/bmake/mk-netbsd WARNS=0 MKMAN=no MKLINT=no \
        NETBSDSRCDIR=/tmp/src LIBPMASTER="$library" \
        LIBPGLOBAL="$PWD/lib/libglobal.a" LIBPUTIL="$PWD/lib/libutil.a" MORE="$(setting SYSLIBS)" \
        CC="$(setting CC | sed 's/ \$(WARN)//')" \
        CPPFLAGS="-I$PWD/include -I$postfix/dist/src/master -D$(setting SYSTYPE)" "$@"
}
"#;

// The upstream make.

fn make_cp_make_links_ours_and_compiles_nothing(tree: &str) -> Result<()> {
    in_copy_of(tree, r#"upstream make"#)
}

fn bmake_cp_bmake_links_ours_and_compiles_nothing(tree: &str) -> Result<()> {
    in_copy_of(tree, r#"upstream bmake"#)
}

/// In a makefile of the BSDs, called by their make, with a port's settings in its
/// environment.
fn post_build_of_a_port_links_ours(tree: &str) -> Result<()> {
    in_copy_of(
        tree,
        r#"{ echo "WRKSRC= $PWD" && documented post-build:; } >/tmp/Makefile
        (cd /tmp && CFLAGS=-O3 bmake -j2 "DO_MAKE_BUILD=\${MAKE}" post-build) >/tmp/said
        cat /tmp/said
        lacks ' -c .*\.c' /tmp/said
        postfix-object verify . "$object""#,
    )
}

// AUXLIBS: smtpd is linked as it is after `make makefiles` with these words in it.

fn auxlibs_with_the_library_has_no_effect() -> Result<()> {
    in_shared(
        r#"cp /mnt/checkout/build/libmaster_proto.so* /tmp
        with_auxlibs '-L/tmp -Wl,-rpath,/tmp -Wl,--no-as-needed -lmaster_proto'
        readelf -d src/smtpd/smtpd | grep 'NEEDED.*libmaster_proto.so.1'
        is_bound_to /mnt/postfix/shared/lib/libpostfix-master.so"#,
    )
}

fn auxlibs_with_the_object_wins_in_a_shared_build() -> Result<()> {
    in_shared(
        r#"with_auxlibs "$object"
        is_bound_to src/smtpd/smtpd
        has ours src/smtpd/smtpd"#,
    )
}

fn auxlibs_with_the_object_does_not_link_in_a_static_build() -> Result<()> {
    in_static(
        r#"! with_auxlibs "$object" >/tmp/said 2>&1 || exit 1
        grep 'multiple definition of' /tmp/said"#,
    )
}

// NetBSD: bmake and its NetBSD rules, on a small tree of the shape of NetBSD's,
// with the sources of the Postfix at hand.

fn netbsd_as_it_is_has_the_c_code_or_the_object_before_the_library() -> Result<()> {
    in_static(
        r#"netbsd_tree
        netbsd_build lib/masterlib
        netbsd_build libexec/anvil
        has C "$anvil"
        rm "$anvil"
        netbsd_build libexec/anvil "LDADD=$object \${LIBPMASTER} \${LIBPGLOBAL} \${LIBPUTIL} \${MORE}"
        has ours "$anvil""#,
    )
}

fn netbsd_patched_takes_ours_and_a_newer_one() -> Result<()> {
    in_static(
        r#"netbsd_patched
        netbsd_build lib/masterlib "MASTER_PROTO_OBJ=$object"
        netbsd_build libexec/anvil
        has ours "$anvil"
        has ours "$library"
        [ "$(ar t "$library" | grep -cx master_proto.o)" -eq 1 ]
        for member in "${library%/*}"/master_proto.*o; do
            cmp "$object" "$member"
        done
        touch "$object"
        netbsd_build lib/masterlib "MASTER_PROTO_OBJ=$object" >/tmp/said
        grep '^cp ' /tmp/said
        lacks 'master_proto\.c' /tmp/said
        has ours "$library""#,
    )
}

fn netbsd_patched_without_an_object_has_the_c_code() -> Result<()> {
    in_static(
        r#"netbsd_patched
        netbsd_build lib/masterlib
        netbsd_build libexec/anvil
        has C "$anvil""#,
    )
}

/// The two ways that look right and are not, which the patch's comments name.
fn netbsd_trap_of_allsrc_fails() -> Result<()> {
    in_static(
        r#"netbsd_patched
        sed -i 's/cp ${MASTER_PROTO_OBJ}/cp ${.ALLSRC}/' "${library%/*}/Makefile"
        ! netbsd_build lib/masterlib "MASTER_PROTO_OBJ=$object" >/tmp/said 2>&1 || exit 1
        grep "^cp: target 'master_proto" /tmp/said"#,
    )
}

fn netbsd_trap_of_objs_alone_compiles_c() -> Result<()> {
    in_static(
        r#"netbsd_patched
        sed -i -e '/^SRCS:=/d' -e '/^master_proto\.o /d' -e '/cp \${/d' "${library%/*}/Makefile"
        netbsd_build lib/masterlib "MASTER_PROTO_OBJ=$object"
        has C "$library""#,
    )
}
