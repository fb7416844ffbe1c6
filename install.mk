# The nine files of `make install` and `make uninstall`. Nothing is built here, so that root needs no
# Rust to install what a user has built. All is checked before anything is changed.

define installer =
# Paths as they are once installed, so absolute. DESTDIR is put in front of each, and is part of none.
: "${PREFIX=/usr/local}" "${LIBDIR=$PREFIX/lib}" "${INCLUDEDIR=$PREFIX/include}"
: "${PKGCONFIGDIR=$LIBDIR/pkgconfig}" "${MANDIR=$PREFIX/share/man}"
refuse() { echo "make $action: $1 Nothing was changed." >&2; exit 1; }
for name in prefix libdir includedir pkgconfigdir mandir destdir; do
    eval "[ -z \"\${$name-}\" ]" || refuse \
        "'$name' is set; the names are DESTDIR PREFIX LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR."
done
for name in PREFIX LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR; do
    eval "path=\$$name"
    case $path in
    /*) ;;
    *) refuse "$name=$path is not an absolute path. DESTDIR= names a folder to put in front." ;;
    esac # pkg-config does not know /usr/lib/ or /usr//lib for a folder of the system
    eval "$name=\$(printf %s \"\$path\" | sed 's|//*|/|g; s|\(.\)/\$|\1|')"
done
stage=$(printf %s "${DESTDIR-}" | sed 's|/*$||')
field() { sed -n "/^$1 = /{s/.*\"\(.*\)\"/\1/p;q;}" Cargo.toml; } # of the package, which is first
version=$(field version) so=libmaster_proto.so

each() { # calls $1 with FOLDER NAME SOURCE; the source of a link begins with ->
    for name in master_proto.o libmaster_proto.a "$so.$version"; do
        "$1" "$LIBDIR" "$name" "$BUILD/$name"
    done
    "$1" "$LIBDIR" "$so.${version%%.*}" "->$so.$version"
    "$1" "$LIBDIR" "$so" "->$so.${version%%.*}"
    "$1" "$INCLUDEDIR" master_proto.h include/master_proto.h
    "$1" "$PKGCONFIGDIR" master_proto.pc "->"
    "$1" "$MANDIR/man3" master_notify.3 man/master_notify.3
    "$1" "$MANDIR/man7" master_proto.7 man/master_proto.7
}
check() {
    if [ "$action" = uninstall ]; then
        [ -e "$stage$1/$2" ] || [ -h "$stage$1/$2" ] || return 0
    elif [ "${3#->}" = "$3" ] && [ ! -f "$3" ]; then
        refuse "There is no $3. Run 'make' first, as the user who builds."
    fi
    above=$stage$1
    until [ -e "$above" ] || [ -h "$above" ]; do above=$(dirname "$above"); done
    [ -d "$above" ] && [ -w "$above" ] || refuse "Cannot write to $stage$1: $above is not a \
folder that you may write to. Become root, or choose another PREFIX= or DESTDIR=."
    [ ! -d "$stage$1/$2" ] || refuse "$stage$1/$2 is a folder. Remove it first."
}
pc_path() { # below the prefix, for pkg-config --define-prefix; with spaces escaped
    printf %s "$1" | awk -v "prefix=$PREFIX" 'BEGIN { prefix = prefix "/" }
        index($0, prefix) == 1 { $0 = "${prefix}/" substr($0, length(prefix) + 1) }
        { gsub(/[[:space:]]/, "\\\\&"); print }'
}
pc_file() {
    printf '%s\n' "prefix=$(pc_path "$PREFIX")" 'exec_prefix=${prefix}' "libdir=$(pc_path "$LIBDIR")" \
        "includedir=$(pc_path "$INCLUDEDIR")" '' "Name: $(field name)" "Version: $version" \
        "Description: $(field description)" 'Libs: -L${libdir} -lmaster_proto' 'Cflags: -I${includedir}'
}
put() { # a new file, never new bytes in one that a running program has mapped
    mkdir -p "$stage$1"
    rm -f "$stage$1/$2"
    case $3 in
    '->') pc_file >"$stage$1/$2" ;;
    '->'*) ln -s "${3#->}" "$stage$1/$2" ;;
    *) install -m 644 "$3" "$stage$1/$2" ;;
    esac
    echo "$stage$1/$2"
}
remove() { # with DESTDIR also the folders that are empty now; else they are the system's
    rm -f "$stage$1/$2"
    [ -z "$stage" ] || (cd "$stage" && rmdir -p "${1#/}") 2>/dev/null || :
}
each check
umask 022
if [ "$action" = uninstall ]; then
    each remove
    [ -z "$stage" ] || rmdir "$stage" 2>/dev/null || :
else
    each put
    [ "$stage" ] || echo "If $LIBDIR is one of the system's library folders, run ldconfig now."
fi
endef
install: ## install what is built: DESTDIR PREFIX LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR
uninstall: ## remove what install has put there, given the same variables
install uninstall: export installer_text = $(value installer)
install uninstall:
	@action=$@ BUILD="$(BUILD)" sh -euc "$$installer_text"
