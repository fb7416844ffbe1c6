#!/bin/sh
# Builds Postfix from source and prints its folder: postfix-build.sh KIND [NAME]
#
# KIND is static or shared. The tree is kept, and built only once; a different
# NAME gives another tree of the same kind.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

kind=${1:?usage: postfix-build.sh static|shared [NAME]}
name=${2:-$kind}
source=$("$root/scripts/postfix-source.sh")
tree=${source%/source}/$name
need cc make m4

configure() {
    # Nothing but libc: no Berkeley DB, NIS, PCRE and ICU.
    case $kind in
    static) set -- shared=no dynamicmaps=no ;;
    shared) set -- shared=yes dynamicmaps=no "shlib_directory=$tree/lib" ;;
    *) die "unknown kind of build '$kind': it is static or shared" ;;
    esac
    make -s makefiles "$@" default_database_type=texthash default_cache_db_type=texthash \
        CCARGS="-DNO_DB -DNO_NIS -DNO_EAI -DNO_PCRE" AUXLIBS=""
}

if [ ! -f "$tree/.built" ]; then
    rm -rf "$tree"
    cp -R "$source" "$tree"
    build_log=$root/build/log/postfix-$name.log
    mkdir -p "$root/build/log"
    # Our own make hands down its flags in the environment; Postfix's is another.
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
    if ! (
        # The shell does not stop at a failure within a condition, so && does.
        cd "$tree" && { [ ! -f conf/makedefs.out ] || make -s tidy; } && configure &&
            make -j "$(getconf _NPROCESSORS_ONLN)"
    ) >"$build_log" 2>&1 </dev/null; then
        tail -n 15 "$build_log" >&2
        die "Postfix does not build in $tree. The full log: $build_log"
    fi
    touch "$tree/.built"
fi
printf '%s\n' "$tree"
