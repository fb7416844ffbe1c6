#!/bin/sh
# Measures what is exact, the same in each run, and prints it as a table:
#
#   figures.sh         the table
#   figures.sh tools   one line: what the figures depend on
#
# Ours is beside Postfix's own C code, compiled with the stack protector and
# without, and a bare write(2), the limit. Programs and logs: build/figures.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
need cc ld size strip readelf strace valgrind
out=$root/build/figures
log=$out/log
cc=${CC:-cc}

if [ "${1:-}" = tools ]; then
    echo "$(uname -m), rustc $("${RUSTC:-rustc}" --version | cut -d' ' -f2)," \
        "$("$cc" --version | sed -n '1s/ .*//p') $("$cc" -dumpfullversion)," \
        "ld $(ld --version | sed -n '1s/.* //p'), $(getconf GNU_LIBC_VERSION)"
    exit 0
fi

mkdir -p "$out"
: >"$log"
trap '[ $? -eq 0 ] || echo "figures.sh: failed. Its log: $log" >&2' EXIT

# Each implementation as an object, as a shared library that cc links from it,
# and in programs.
implementations="ours protected plain bare"
CARGO_FLAGS="${CARGO_FLAGS-} --message-format=json" "$root/scripts/build.sh" "$root/build" \
    >"$out/cargo.json" 2>>"$log"
"$root/c_tests/original.sh" "$("$root/scripts/postfix-build.sh" static)" "$out" >>"$log" 2>&1
cp "$root/build/master_proto.o" "$out/ours.o"
mv "$out/original-protected.o" "$out/protected.o"
mv "$out/original.o" "$out/plain.o"
"$cc" -O2 -fPIC -c "$root/benches/bare.c" -o "$out/bare.o"
for name in $implementations; do
    "$cc" -shared -Wl,-z,relro,-z,now "$out/$name.o" -o "$out/lib$name.so"
    for link in static dynamic shared; do
        case $link in
        static) set -- "$out/$name.o" -static ;;
        dynamic) set -- "$out/$name.o" ;;
        shared) set -- "$out/lib$name.so" ;;
        esac
        "$cc" -O2 -I "$root/include" "$root/benches/count.c" "$root/benches/msg.c" "$@" \
            -o "$out/$name-$link"
    done
done
# The shared library as it is built, by Rust's own linker and options.
cp "$root/build/libmaster_proto.so" "$out/libbuilt.so"
"$cc" -O2 -rdynamic "$root/benches/load.c" "$root/benches/msg.c" -o "$out/load"

# row TITLE COMMAND...: the command is run for each implementation, with its
# name as the last argument.
row() {
    row_title=$1
    shift
    row_values=
    for name in $implementations; do
        row_value=$(figure "$@" "$name")
        row_values="$row_values $row_value |"
    done
    echo "| $row_title |$row_values"
}

# row_ours TITLE COMMAND...: what has no counterpart in C.
row_ours() {
    row_title=$1
    shift
    row_value=$(figure "$@")
    echo "| $row_title | $row_value | – | – | – |"
}

figure() {
    value=$("$@") || die "no figure of '$*'. The log: $log"
    [ -n "$value" ] || die "'$*' gave no figure. The log: $log"
    echo "$value"
}

# per_call COUNTER LINK NAME: what COUNTER says of one call.
per_call() {
    few=$("$1" "$out/$3-$2" 100)
    many=$("$1" "$out/$3-$2" 1100)
    if [ -z "$few" ] || [ $(((many - few) % 1000)) -ne 0 ]; then
        die "$1 differs between calls of $3-$2: ${few:-none} for 100, ${many:-none} for 1100. The log: $log"
    fi
    echo $(((many - few) / 1000))
}

# Instructions in user space, of master_notify and all that it calls.
collected() {
    valgrind --tool=callgrind --toggle-collect=master_notify --callgrind-out-file=/dev/null \
        "$@" 2>&1 | tee -a "$log" | sed -n 's/.*Collected *: *\([0-9]*\)$/\1/p'
}
success() { collected "$@" 5>/dev/null; }
failure() { collected "$@" 5>&-; }

system_calls() {
    strace -f -qq -o "$out/strace" "$@" 5>/dev/null
    wc -l <"$out/strace"
}

object_bytes() { size "$out/$1.o" | awk 'NR == 2 { print $1 + $2 }'; }
library_bytes() {
    strip -o "$out/stripped" "$out/lib$1.so"
    wc -c <"$out/stripped"
}
library_relocations() { readelf -rW "$out/lib$1.so" | grep -c '^[0-9a-f]\{12,\} '; }

# Of a program that is linked with the library and makes one call.
load_relocations() {
    LD_DEBUG=statistics LD_BIND_NOW=1 "$out/$1-shared" 1 2>&1 5>/dev/null |
        sed -n 's/.*  number of relocations: \([0-9]*\)$/\1/p' | head -n 1
}
# Pages that the process had to have of its own. Not Private_Dirty, which counts
# pages of a file just written too.
private_kilobytes() {
    "$out/load" smaps "$out/lib$1.so" | awk -v file="/lib$1.so" '
        /^[0-9a-f]+-[0-9a-f]+ / { mine = index($0, file); found += mine > 0 }
        mine && $1 == "Anonymous:" { own += $2 }
        END { if (found) print own }'
}

# Only what is compiled for a user: not the tests, not the header generator.
crates() {
    sed -n 's/.*"reason":"compiler-artifact","package_id":"\([^"]*\)".*/\1/p' "$out/cargo.json" |
        sort -u | wc -l
}

echo "| | ours | C, stack protector | C | bare \`write\` |"
echo "|---|---|---|---|---|"
row "instructions, call succeeds, static link" per_call success static
row "instructions, call succeeds, dynamic link" per_call success dynamic
row "instructions, call succeeds, shared library" per_call success shared
row "instructions, call fails, static link" per_call failure static
row "instructions, call fails, dynamic link" per_call failure dynamic
row "instructions, call fails, shared library" per_call failure shared
row "system calls" per_call system_calls dynamic
row "object, text and data, bytes" object_bytes
row "shared library linked by cc, stripped, bytes" library_bytes
row "relocations of that library" library_relocations
row "relocations at the start of a program with it" load_relocations
row "private memory of that library, loaded, kB" private_kilobytes
row_ours "shared library as built, stripped, bytes" library_bytes built
row_ours "relocations of the library as built" library_relocations built
row_ours "private memory of the library as built, loaded, kB" private_kilobytes built
row_ours "crates compiled" crates
