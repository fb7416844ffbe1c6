#!/bin/sh
# Installs what `make` has built, or removes it again:
# install.sh install|uninstall DIRECTORY
#
# DIRECTORY is where the build is. Nothing is built here, and no Rust is
# needed, so that root installs what a user has built.
# Environment, all optional; every path but DESTDIR's is absolute:
#   DESTDIR       put before each path, and part of none: for packagers
#   PREFIX        (/usr/local)
#   LIBDIR        (PREFIX/lib; Debian: /usr/lib/TRIPLET) libraries and object
#   INCLUDEDIR    (PREFIX/include)
#   PKGCONFIGDIR  (LIBDIR/pkgconfig)
#   MANDIR        (PREFIX/share/man)
# shellcheck disable=SC2016 # ${prefix} and its like are for pkg-config
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

case "$#${1:-}" in
2install | 2uninstall) ;;
*) die "usage: install.sh install|uninstall DIRECTORY; the environment is described at the top of $0" ;;
esac
# make hands on what it is given; as it stands, this would be ignored.
for name in prefix libdir includedir mandir destdir; do
    if [ -n "$(eval "printf %s \"\${$name-}\"")" ]; then
        die "'$name' is set; the names are DESTDIR PREFIX LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR. Nothing was changed."
    fi
done

# A slash at the end would be in the .pc file, and pkg-config would not know
# the system's folders by it.
no_slash() {
    case $1 in
    ?*/) no_slash "${1%/}" ;;
    *) printf '%s' "$1" ;;
    esac
}
build=$2
destdir=$(no_slash "${DESTDIR-}")
prefix=$(no_slash "${PREFIX-/usr/local}")
libdir=$(no_slash "${LIBDIR-$prefix/lib}")
includedir=$(no_slash "${INCLUDEDIR-$prefix/include}")
pkgconfigdir=$(no_slash "${PKGCONFIGDIR-$libdir/pkgconfig}")
mandir=$(no_slash "${MANDIR-$prefix/share/man}")
for directory in "PREFIX=$prefix" "LIBDIR=$libdir" "INCLUDEDIR=$includedir" \
    "PKGCONFIGDIR=$pkgconfigdir" "MANDIR=$mandir"; do
    case ${directory#*=} in
    /*) ;;
    *) die "$directory is not an absolute path. Give the path that it has once installed; DESTDIR= names a folder to put in front." ;;
    esac
done

field() {
    sed -n "s/^$1 = \"\(.*\)\"/\1/p" "$root/Cargo.toml"
}
version=$(field version)
major=${version%%.*}
library=libmaster_proto.so

# each COMMAND: calls it with SOURCE DIRECTORY NAME for every installed file;
# a source with -> in front is what a symbolic link points to.
each() {
    "$1" "$build/master_proto.o" "$libdir" master_proto.o
    "$1" "$build/libmaster_proto.a" "$libdir" libmaster_proto.a
    "$1" "$build/$library.$version" "$libdir" "$library.$version"
    "$1" "->$library.$version" "$libdir" "$library.$major"
    "$1" "->$library.$major" "$libdir" "$library"
    "$1" "$root/include/master_proto.h" "$includedir" master_proto.h
    "$1" "$build/master_proto.pc" "$pkgconfigdir" master_proto.pc
    "$1" "$root/man/master_notify.3" "$mandir/man3" master_notify.3
    "$1" "$root/man/master_proto.7" "$mandir/man7" master_proto.7
}

must_be_built() {
    case $1 in
    "->"* | *.pc) ;;
    *) [ -f "$1" ] || die "there is no $1, so nothing was installed. Run 'make' first, as the user that you build with." ;;
    esac
}

# The folder, or the nearest one above it that exists. Nor is a folder in the
# place of the file: it would be put into that.
must_be_writable() {
    above=$destdir$2
    until [ -e "$above" ] || [ -h "$above" ]; do
        above=$(dirname "$above")
    done
    [ ! -d "$destdir$2/$3" ] || die "$destdir$2/$3 is a folder. Nothing was changed. Remove it first."
    if [ ! -d "$above" ] || [ ! -w "$above" ]; then
        die "cannot write to $destdir$2: $above is not a folder that you may write to." \
            "Nothing was changed. Run it as root, or choose another PREFIX= or DESTDIR=."
    fi
}

# Within the prefix, paths are written by it: pkg-config --define-prefix.
pc_path() {
    case $1 in
    "$prefix"/*) printf '${prefix}/%s' "${1#"$prefix"/}" ;;
    *) printf '%s' "$1" ;;
    esac | sed 's/[[:space:]]/\\&/g'
}

pkg_config_file() {
    printf 'prefix=%s\nexec_prefix=${prefix}\n' "$(printf '%s' "$prefix" | sed 's/[[:space:]]/\\&/g')"
    printf 'libdir=%s\nincludedir=%s\n\n' "$(pc_path "$libdir")" "$(pc_path "$includedir")"
    printf 'Name: %s\nDescription: %s\nVersion: %s\n' "$(field name)" "$(field description)" "$version"
    printf 'Libs: -L${libdir} -lmaster_proto\nCflags: -I${includedir}\n'
}

put() {
    mkdir -p "$destdir$2"
    case $1 in
    "->"*) ln -sf "${1#->}" "$destdir$2/$3" ;;
    *.pc)
        rm -f "$destdir$2/$3"
        pkg_config_file >"$destdir$2/$3"
        chmod 644 "$destdir$2/$3"
        ;;
    # A new file, never new bytes in a library that programs have mapped.
    *) install -m 644 "$1" "$destdir$2/$3" ;;
    esac
    printf '%s\n' "$destdir$2/$3"
}

must_be_removable() {
    if [ -e "$destdir$2/$3" ] || [ -h "$destdir$2/$3" ]; then
        must_be_writable "$@"
    fi
}

# Without DESTDIR the folders belong to the system, empty or not.
remove() {
    rm -f "$destdir$2/$3"
    [ -n "$destdir" ] || return 0
    above=$2
    while [ "$above" != / ] && rmdir "$destdir$above" 2>/dev/null; do
        above=$(dirname "$above")
    done
}

if [ "$1" = install ]; then
    each must_be_built
    each must_be_writable
    umask 022
    each put
    [ -n "$destdir" ] || echo "If $libdir is one of the system's library folders, run ldconfig now."
else
    each must_be_removable
    each remove
    [ -z "$destdir" ] || rmdir "$destdir" 2>/dev/null || :
fi
