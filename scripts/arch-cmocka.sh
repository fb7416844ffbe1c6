#!/bin/sh
# Compiles cmocka with another C compiler: arch-cmocka.sh CC DIRECTORY
#
# Leaves libcmocka.a in DIRECTORY, for static and dynamic programs alike; the
# Debian package has no static library. The headers, which are the same for all,
# are in build/arch/cmocka/include.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
[ $# -eq 2 ] || die "usage: arch-cmocka.sh CC DIRECTORY"
home=$root/build/arch/cmocka
mkdir -p "$2"
out=$(cd "$2" && pwd)
[ ! -f "$out/libcmocka.a" ] || exit 0

if [ ! -d "$home" ]; then
    rm -rf "$home.new"
    mkdir -p "$home.new"
    (
        cd "$home.new"
        "$root/scripts/apt.sh" source apt-get --quiet --download-only source cmocka >&2
        tar -xf cmocka_*.orig.tar.xz --strip-components=1
    ) || die "Debian's source package of cmocka cannot be fetched; apt's messages are above."
    mv "$home.new" "$home"
fi

# All that cmocka's own build would find out about a Unix of today.
"$1" -O2 -fPIC -w -DHAVE_INTTYPES_H -DHAVE_MALLOC_H -DHAVE_SIGNAL_H -DHAVE_STRINGS_H \
    -DHAVE_GCC_THREAD_LOCAL_STORAGE -DHAVE_SIGLONGJMP -DHAVE_STRSIGNAL \
    -DHAVE_STRUCT_TIMESPEC -DHAVE_CLOCK_REALTIME \
    -I "$home/include" -c "$home/src/cmocka.c" -o "$out/cmocka.o"
ar rcsD "$out/libcmocka.a" "$out/cmocka.o"
