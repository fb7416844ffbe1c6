#!/bin/sh
# Tests that a build gives the same bytes anywhere and knows nothing of the
# machine, and what `make DEBUG=1` gives to a debugger.
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
. "$root/scripts/checks.sh"
need cc make cargo strings objcopy strip readelf gdb
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DEBUG TARGET LINK
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
shared=libmaster_proto.so.$version

work=$root/build/reproducible
rm -rf "$work"
first=$work/first
second="$work/a second, deeper/folder"
mkdir -p "$first" "$second"
trap 'rm -rf "$work"' EXIT
for folder in "$first" "$second"; do
    (cd "$root" && tar -c --exclude=./build --exclude=./target --exclude=./.git .) | tar -x -C "$folder"
done

# One after the other, so at different times too.
build_both() {
    (cd "$first" && make BUILD="$1" "DEBUG=$2")
    (cd "$second" && LC_ALL=C TZ=UTC-14 CARGO_BUILD_JOBS=1 make BUILD="$1" "DEBUG=$2")
}

same_bytes() {
    for file in master_proto.o libmaster_proto.a "$shared"; do
        cmp "$first/$1/$file" "$second/$1/$file"
    done
}

# The folders of the build, of cargo and of the compiler, and any home. A compiler
# of the system's, in /usr, tells nothing about the machine.
no_path_inside() {
    sysroot=$(rustc --print sysroot)
    [ "$sysroot" != /usr ] || sysroot=$root
    for file in master_proto.o libmaster_proto.a "$shared"; do
        objcopy --decompress-debug-sections "$first/$1/$file" "$work/plain-text"
        strings -a -n 4 "$work/plain-text" >"$work/strings"
        [ -s "$work/strings" ]
        for path in "$work" "$root" "$HOME" "${CARGO_HOME:-$HOME/.cargo}" "$sysroot" /home/ /tmp/; do
            if grep -F -- "$path" "$work/strings"; then
                echo "'$path' is in $1/$file"
                return 1
            fi
        done
    done
}

no_debug_information() {
    for file in master_proto.o "$shared"; do
        if readelf -SW "$first/plain/$file" | grep -F .debug_info; then
            return 1
        fi
    done
}

same_code() {
    for file in plain debug; do
        objcopy -O binary --only-section=.text --only-section='.text.*' "$first/$file/$shared" "$work/$file.text"
    done
    [ -s "$work/plain.text" ]
    cmp "$work/plain.text" "$work/debug.text"
}

# What dh_strip does for a -dbgsym package.
split_off() {
    mkdir -p "$work/lib/.debug"
    cp "$first/debug/$shared" "$work/lib/$shared"
    objcopy --only-keep-debug --compress-debug-sections "$work/lib/$shared" "$work/lib/.debug/$shared.debug"
    strip --strip-unneeded --remove-section=.comment --remove-section=.note "$work/lib/$shared"
    objcopy --add-gnu-debuglink="$work/lib/.debug/$shared.debug" "$work/lib/$shared"
    if readelf -SW "$work/lib/$shared" | grep -F .debug_info; then
        return 1
    fi
    ln -s "$shared" "$work/lib/libmaster_proto.so.${version%%.*}"
    ln -s "$shared" "$work/lib/libmaster_proto.so"
}

# steps_into PROGRAM: gdb names the function, its arguments, the file, the line.
steps_into() {
    line=$(grep -n 'extern "C" fn master_notify' "$root/src/lib.rs" | cut -d : -f 1)
    LD_LIBRARY_PATH="$work/lib" gdb -nx --batch \
        -ex "set substitute-path /usr/src/master_proto-$version \"$root\"" \
        -ex 'set debuginfod enabled off' -ex 'set breakpoint pending on' \
        -ex start -ex step -ex 'info source' -ex 'print message' -ex 'next' -ex backtrace "$1" >"$work/gdb" 2>&1 5>/dev/null
    cat "$work/gdb"
    grep -E '^master_proto::master_notify|^master_notify' "$work/gdb" | grep -F '(pid=11, generation=22, status=33)' >"$work/entered"
    shown=$(sed -n 's/.*src\/lib\.rs:\([0-9]*\)$/\1/p' "$work/entered" | head -n 1)
    [ "$shown" -ge "$line" ] && [ "$shown" -le $((line + 12)) ]
    grep -F "Current source file is" "$work/gdb" | grep -F src/lib.rs
    # The text of the source is found, too.
    grep -E "^[0-9]+	" "$work/gdb"
    grep -E '#1 .* in main .*caller\.c' "$work/gdb"
}

compile_caller() {
    printf '#include <master_proto.h>\nint main(void)\n{\n    return master_notify(11, 22, 33);\n}\n' >"$work/caller.c"
    cc -g -I "$root/include" -o "$work/caller-shared" "$work/caller.c" -L "$work/lib" -lmaster_proto
    cc -g -I "$root/include" -o "$work/caller-object" "$work/caller.c" "$first/debug/master_proto.o"
}

step "build in two folders" build_both plain 0
check "the same bytes in both folders" same_bytes plain
check "no path of this machine inside" no_path_inside plain
check "no debug information unless asked for" no_debug_information
step "build in two folders with DEBUG=1" build_both debug 1
check "DEBUG=1: the same bytes in both folders" same_bytes debug
check "DEBUG=1: no path of this machine inside" no_path_inside debug
check "DEBUG=1: the same code" same_code
check "DEBUG=1: the information can be split off" split_off
step "link programs with it" compile_caller
check "gdb steps into the shared library with the split-off information" steps_into "$work/caller-shared"
check "gdb steps into the object" steps_into "$work/caller-object"
end_checks reproducible
