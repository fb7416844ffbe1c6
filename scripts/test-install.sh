#!/bin/sh
# Tests `make install` and `make uninstall`, and what a C programmer does with
# the result: test-install.sh
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
. "$root/scripts/checks.sh"
cd "$root"
need cc make pkg-config setpriv unshare mandoc man readelf

work="$root/build/install test"
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
# The caller's settings, and its make's, are not the test's.
unset DESTDIR PREFIX LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
triplet=$(cc -print-multiarch)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)

scripts/build.sh build >>"$log" 2>&1 || die "nothing to install: the build failed, see $log"

# In DIRECTORY: type, permissions, path and link target of each entry.
listing() {
    (cd "$1" && find . -mindepth 1 -printf '%y %m %P %l\n' | sed 's/^l 777/l -/; s/ $//' |
        LC_ALL=C sort -k 3)
}

default_layout() {
    umask 077 # a careful administrator's
    make install DESTDIR="$work/stage"
    listing "$work/stage" >"$work/layout"
    diff - "$work/layout" <<END
d 755 usr
d 755 usr/local
d 755 usr/local/include
f 644 usr/local/include/master_proto.h
d 755 usr/local/lib
f 644 usr/local/lib/libmaster_proto.a
l - usr/local/lib/libmaster_proto.so libmaster_proto.so.1
l - usr/local/lib/libmaster_proto.so.1 libmaster_proto.so.$version
f 644 usr/local/lib/libmaster_proto.so.$version
f 644 usr/local/lib/master_proto.o
d 755 usr/local/lib/pkgconfig
f 644 usr/local/lib/pkgconfig/master_proto.pc
d 755 usr/local/share
d 755 usr/local/share/man
d 755 usr/local/share/man/man3
f 644 usr/local/share/man/man3/master_notify.3
d 755 usr/local/share/man/man7
f 644 usr/local/share/man/man7/master_proto.7
END
}

contents() {
    for file in libmaster_proto.a "libmaster_proto.so.$version" master_proto.o; do
        cmp "build/$file" "$work/stage/usr/local/lib/$file"
    done
    cmp include/master_proto.h "$work/stage/usr/local/include/master_proto.h"
    [ "$(grep -c "^Version: $version\$" "$work/stage/usr/local/lib/pkgconfig/master_proto.pc")" -eq 1 ]
    if grep "$work" "$work/stage/usr/local/lib/pkgconfig/master_proto.pc"; then
        echo "DESTDIR is in the .pc file"
        return 1
    fi
}

second_install() {
    tar -cf "$work/first.tar" --mtime=@0 --sort=name -C "$work/stage" .
    make install DESTDIR="$work/stage"
    tar -cf "$work/second.tar" --mtime=@0 --sort=name -C "$work/stage" .
    cmp "$work/first.tar" "$work/second.tar"
}

# A program that is running has the old file mapped.
new_files_not_new_bytes() {
    before=$(stat -c %i "$work/stage/usr/local/lib/libmaster_proto.so.$version")
    exec 3<"$work/stage/usr/local/lib/libmaster_proto.so.$version"
    make install DESTDIR="$work/stage"
    after=$(stat -c %i "$work/stage/usr/local/lib/libmaster_proto.so.$version")
    exec 3<&-
    [ "$before" != "$after" ]
}

slashes_at_the_end_are_not_kept() {
    pc=$work/slash/usr/lib/$triplet/pkgconfig/master_proto.pc
    make install DESTDIR="$work/slash" PREFIX=/usr LIBDIR="/usr/lib/$triplet"
    mv "$pc" "$work/pc"
    make install DESTDIR="$work/slash/" PREFIX=/usr/ LIBDIR="/usr/lib/$triplet//" MANDIR=/usr/share/man/ \
        >"$work/said"
    if grep -F // "$work/said"; then
        return 1
    fi
    cmp "$work/pc" "$pc"
    rm -r "$work/slash"
}
a_folder_in_the_way() {
    mkdir -p "$work/way/usr/local/lib/libmaster_proto.so.1"
    refuses "libmaster_proto.so.1 is a folder" make install DESTDIR="$work/way"
    rmdir "$work/way/usr/local/lib/libmaster_proto.so.1"
    rmdir "$work/way/usr/local/lib"
    ln -s nowhere "$work/way/usr/local/lib"
    refuses "usr/local/lib is not a folder that you may write to" make install DESTDIR="$work/way"
    [ "$(find "$work/way" -type f | wc -l)" -eq 0 ]
    rm -r "$work/way"
}
names_of_others() {
    refuses "'prefix' is set; the names are DESTDIR PREFIX" make install prefix=/usr DESTDIR="$work/refused"
    refuses "PREFIX= is not an absolute path" make install PREFIX= DESTDIR="$work/refused"
    [ ! -e "$work/refused" ]
}

uninstall_leaves_nothing() {
    make uninstall DESTDIR="$work/stage"
    [ ! -e "$work/stage" ] || {
        find "$work/stage"
        return 1
    }
    make uninstall DESTDIR="$work/stage" # nothing there: nothing to do
}

uninstall_spares_others() {
    make install DESTDIR="$work/stage"
    : >"$work/stage/usr/local/lib/other.so"
    make uninstall DESTDIR="$work/stage"
    [ "$(cd "$work/stage" && find . -type f)" = ./usr/local/lib/other.so ]
    rm -r "$work/stage"
}

every_folder_by_name() {
    set -- DESTDIR="$work/named" PREFIX=/p LIBDIR=/l INCLUDEDIR=/i PKGCONFIGDIR=/c MANDIR=/m
    make install "$@"
    (cd "$work/named" && find . ! -type d | LC_ALL=C sort) >"$work/layout"
    diff - "$work/layout" <<END
./c/master_proto.pc
./i/master_proto.h
./l/libmaster_proto.a
./l/libmaster_proto.so
./l/libmaster_proto.so.1
./l/libmaster_proto.so.$version
./l/master_proto.o
./m/man3/master_notify.3
./m/man7/master_proto.7
END
    make uninstall "$@"
    [ ! -e "$work/named" ]
}

# cargo is not so much as looked at.
without_rust() {
    mkdir -p "$work/bin"
    for tool in cargo rustc; do
        printf '#!/bin/sh\necho called >>"%s"\nexit 1\n' "$work/called" >"$work/bin/$tool"
        chmod 755 "$work/bin/$tool"
    done
    # That the trap works:
    PATH="$work/bin:$PATH" cargo || [ -f "$work/called" ]
    rm "$work/called"
    PATH="$work/bin:$PATH" make install DESTDIR="$work/norust"
    [ ! -f "$work/called" ]
    rm -r "$work/norust"
}

nothing_built() {
    mkdir "$work/empty"
    refuses "Run 'make' first" make install BUILD="$work/empty" DESTDIR="$work/refused"
    [ ! -e "$work/refused" ]
}

not_a_folder() {
    : >"$work/file"
    refuses "$work/file is not a folder that you may write to" make install DESTDIR="$work/file"
    [ ! -s "$work/file" ]
}

# Root may write anywhere but here. The last folder is the one in question, so
# that a check that comes too late leaves files.
read_only_target() {
    mkdir -p "$work/ro" "$work/rw"
    export PREFIX="$work/rw" MANDIR="$work/ro/man"
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -euc '
        mount --bind "$1/ro" "$1/ro"
        mount -o remount,bind,ro "$1/ro"
        "$2/scripts/install.sh" install "$2/build"' sh "$work" "$root" >"$work/refusal" 2>&1 \
        && return 1
    cat "$work/refusal"
    grep -F "cannot write to $work/ro/man/man3" "$work/refusal"
    [ -z "$(ls -A "$work/rw")" ]
}

read_only_uninstall() {
    make install PREFIX="$work/rw"
    listing "$work/rw" >"$work/before"
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -euc '
        mount --bind "$1/rw/lib" "$1/rw/lib"
        mount -o remount,bind,ro "$1/rw/lib"
        PREFIX="$1/rw" "$2/scripts/install.sh" uninstall "$2/build"' sh "$work" "$root" >"$work/refusal" 2>&1 \
        && return 1
    cat "$work/refusal"
    grep -F "cannot write to $work/rw/lib" "$work/refusal"
    listing "$work/rw" | diff "$work/before" -
    make uninstall PREFIX="$work/rw"
    [ -z "$(find "$work/rw" ! -type d)" ]
}

relative_prefix() {
    refuses "PREFIX=usr is not an absolute path" make install PREFIX=usr DESTDIR="$work/refused"
    refuses "LIBDIR=lib is not an absolute path" make install LIBDIR=lib DESTDIR="$work/refused"
    [ ! -e "$work/refused" ]
}

# calls COMMAND...: it sends pid 1, generation 2, status 3, and no more.
sends_twelve_bytes() {
    "$@" 5>"$work/sent"
    [ "$(wc -c <"$work/sent")" -eq 12 ]
    [ "$(od -An -td4 "$work/sent" | xargs)" = "1 2 3" ]
}

cat >"$work/caller.c" <<'END'
#include <master_proto.h>

int main(void)
{
    return master_notify(1, 2, 3) == 0 ? 0 : 1;
}
END

# flags OPTION...: what pkg-config says, and nothing else knows where it is.
flags() {
    pkg-config "$@" master_proto
}
# shellcheck disable=SC2086 # pkg-config quotes for the shell
compile() {
    output=$1
    shift
    eval "cc -Wall -Wextra -Werror -o '$output' '$work/caller.c' $*"
}

# The three ways, in the tree that pkg-config finds with the environment.
dynamic_program() {
    rm -f "$work/caller"
    compile "$work/caller" "$(flags --cflags --libs)"
    readelf -d "$work/caller" | grep -F 'Shared library: [libmaster_proto.so.1]'
    # At run time, the folder is the loader's matter.
    sends_twelve_bytes env LD_LIBRARY_PATH="$1" "$work/caller"
}
static_program() {
    rm -f "$work/caller"
    compile "$work/caller" -static "$(flags --static --cflags --libs)"
    if readelf -d "$work/caller" | grep NEEDED; then
        return 1
    fi
    sends_twelve_bytes "$work/caller"
}
program_by_object() {
    rm -f "$work/caller"
    compile "$work/caller" "$(flags --cflags)" "'$1/master_proto.o'"
    if readelf -d "$work/caller" | grep libmaster_proto; then
        return 1
    fi
    sends_twelve_bytes "$work/caller"
}

# As it is written there.
command_of_the_page() {
    mandoc -T ascii ../man/master_notify.3 | ../scripts/man-example.sh >example.c
    command=$(mandoc -T ascii -O width=200 ../man/master_notify.3 | sed -n 's/^ *\(cc example\.c .*\)$/\1/p')
    eval "$command"
    GENERATION=1 LD_LIBRARY_PATH=$1 ./example 5>"$work/sent"
    rm example example.c
    [ "$(wc -c <"$work/sent")" -eq 24 ]
}

check "the files, links and permissions of make install" default_layout
check "the contents are what was built" contents
check "a second install is the same" second_install
check "a second install leaves mapped libraries alone" new_files_not_new_bytes
check "uninstall leaves nothing" uninstall_leaves_nothing
check "uninstall spares the files of others" uninstall_spares_others
check "each folder by its own variable" every_folder_by_name
check "install needs no Rust" without_rust
check "refused: nothing is built" nothing_built
check "refused: the target is a file" not_a_folder
check "refused: a part of the target is read-only" read_only_target
check "refused: uninstall from a read-only folder" read_only_uninstall
check "refused: paths that are not absolute" relative_prefix
check "refused: a folder, or a link to nowhere, in the way" a_folder_in_the_way
check "refused: variables by other names" names_of_others
check "slashes at the end of the paths are not kept" slashes_at_the_end_are_not_kept

# As a Debian package: /usr with a multiarch folder, staged.
stage=$root/build/stage
rm -rf "$stage"
make install DESTDIR="$stage" PREFIX=/usr LIBDIR="/usr/lib/$triplet" >>"$log" 2>&1 ||
    die "make install failed, see the end of $log"
# By a relative path: pkg-config does not quote spaces in this one.
cd build
export PKG_CONFIG_SYSROOT_DIR=stage PKG_CONFIG_LIBDIR="stage/usr/lib/$triplet/pkgconfig"
lib=$stage/usr/lib/$triplet
check "staged for Debian: a dynamic program by pkg-config" dynamic_program "$lib"
check "staged for Debian: a static program by pkg-config --static" static_program
check "staged for Debian: a program by the object" program_by_object "$lib"
check "staged for Debian: the command in master_notify(3)" command_of_the_page "$lib"
cd "$root"
rm -r "$stage"

# A place of one's own, with spaces.
unset PKG_CONFIG_SYSROOT_DIR
prefix="$work/my own prefix"
make install PREFIX="$prefix" LIBDIR="$prefix/my lib" INCLUDEDIR="$prefix/my headers" >>"$log" 2>&1 || die "make install failed, see the end of $log"
export PKG_CONFIG_LIBDIR="$prefix/my lib/pkgconfig"
lib="$prefix/my lib"
check "prefix with spaces: a dynamic program by pkg-config" dynamic_program "$lib"
check "prefix with spaces: a static program by pkg-config --static" static_program
check "prefix with spaces: a program by the object" program_by_object "$lib"
moved() {
    mv "$prefix" "$work/moved"
    # It looks for the prefix two folders above the file.
    PKG_CONFIG_LIBDIR="$work/moved/my lib/pkgconfig"
    flags() {
        pkg-config --define-prefix "$@" master_proto
    }
    dynamic_program "$work/moved/my lib"
}
check "a tree that was moved: pkg-config --define-prefix" moved

end_checks install
