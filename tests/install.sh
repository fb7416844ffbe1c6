#!/bin/sh
# Installs the build in a temporary directory, uses it as a C programmer would, and
# uninstalls it: tests/install.sh [BUILD]
set -eu
unset CDPATH MAKEFLAGS
cd "$(dirname "$0")/.."
build=${1:-build}
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
trap 'exit 1' HUP INT TERM
run_make() {
    make --silent "$1" BUILD="$build" DESTDIR="$top/stage" PREFIX=/usr LIBDIR=/usr/lib \
        INCLUDEDIR=/usr/include PKGCONFIGDIR=/usr/lib/pkgconfig MANDIR=/usr/share/man \
        DOCDIR=/usr/share/doc/master_proto >"$top/said"
}
fail() {
    echo "tests/install.sh: $*" >&2
    exit 1
}

# Neither the layout nor the permissions depend on the umask.
(umask 077 && run_make install)
version=$(sed -n '/^version = /{s/.*"\(.*\)"/\1/p;q;}' Cargo.toml)
(cd "$top/stage" && find . ! -type d | LC_ALL=C sort | xargs stat -c '%A %n') >"$top/found"
diff -u - "$top/found" <<END || fail "other files (+) than these (-) were installed."
-rw-r--r-- ./usr/include/master_proto.h
-rw-r--r-- ./usr/lib/libmaster_proto.a
lrwxrwxrwx ./usr/lib/libmaster_proto.so
lrwxrwxrwx ./usr/lib/libmaster_proto.so.${version%%.*}
-rwxr-xr-x ./usr/lib/libmaster_proto.so.$version
-rw-r--r-- ./usr/lib/master_proto.o
-rw-r--r-- ./usr/lib/pkgconfig/master_proto.pc
$(for name in examples/*; do echo "-rw-r--r-- ./usr/share/doc/master_proto/$name"; done)
-rw-r--r-- ./usr/share/man/man3/master_notify.3
-rw-r--r-- ./usr/share/man/man7/master_proto.7
END
! find "$top/stage" -type d ! -perm 755 | grep . || fail "these directories have other permissions than 755."

# With the msg symbols, which strong references need.
cat >"$top/caller.c" <<'END'
#include <master_proto.h>

int msg_verbose;
void msg_info(const char *format, ...) { (void) format; }

int main(void)
{
    return master_notify(1, 2, MASTER_STAT_AVAIL) == 0 ? 0 : 1;
}
END
lib=$top/stage/usr/lib
try() { # NAME LIBRARY...: a program with this library sends one message
    name=$1
    shift
    "${CC:-cc}" -I "$top/stage/usr/include" "$top/caller.c" "$@" -o "$top/$name" || fail "$name does not link."
    LD_LIBRARY_PATH=$lib "$top/$name" 5>"$top/sent" || fail "the call in $name fails."
    [ "$(wc -c <"$top/sent")" -eq 12 ] || fail "the call in $name sends no message of 12 bytes."
}
try dynamic -L "$lib" -lmaster_proto
try static "$lib/libmaster_proto.a"
try object "$lib/master_proto.o"

run_make uninstall
[ ! -e "$top/stage" ] || fail "uninstalling leaves:" "$(cd "$top/stage" && find . ! -type d)"
echo "passed install"
