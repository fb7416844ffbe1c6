#!/bin/sh
# Builds the Postfix tree build/postfix/NAME, and writes its version to NAME/.built:
#
#   static shared     from build/postfix/source, unmodified
#   PREFIX-static PREFIX-shared    from build/postfix/PREFIX-source
#   ours-NAME         a copy of the tree NAME, with build/master_proto.o in it
#
#   tests/build-postfix.sh NAME [COMPILER_FLAGS]
#
# Programs of a shared tree find its libraries from where they are themselves, so
# that copies of the tree use their own.
set -eu
unset CDPATH MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES LD_LIBRARY_PATH
umask 022
cd "$(dirname "$0")/.."
name=$1 flags=${2-}
tree=build/postfix/$name
rm -rf "$tree"

case $name in
ours-*)
    cp -a "build/postfix/${name#ours-}" "$tree"
    rm "$tree/.built"
    tools/postfix-object replace "$tree" build/master_proto.o
    cp "build/postfix/${name#ours-}/.built" "$tree"
    exit
    ;;
*static) shared="shared=no" ;;
*shared) shared="shared=yes shlib_directory=/usr/lib/postfix" ;;
*)
    echo "tests/build-postfix.sh: '$name' is no tree; its name ends with static or shared." >&2
    exit 1
    ;;
esac
cp -R "build/postfix/${name%"${name##*-}"}source" "$tree"
chmod -R u+w,a+rX "$tree"
cd "$tree"
[ ! -e conf/makedefs.out ] || make tidy # a source that was built before

# Nothing but libc; no debug information, which is most of a tree.
export SHLIB_RPATH="-Wl,--enable-new-dtags,-rpath,'\$\$ORIGIN/../lib:\$\$ORIGIN/../../lib'"
# shellcheck disable=SC2086 # a list of settings
make -s makefiles $shared dynamicmaps=no DEBUG= AUXLIBS= \
    CCARGS="-DNO_DB -DNO_NIS -DNO_EAI -DNO_PCRE $flags" \
    default_database_type=texthash default_cache_db_type=texthash
make -j"$(getconf _NPROCESSORS_ONLN)"
sed -n 's/^#define MAIL_VERSION_NUMBER[[:space:]]*"\(.*\)"/\1/p' src/global/mail_version.h >.built
