#!/bin/sh
# Runs the C harnesses on other processors, C libraries and linkers, next to the
# C original, and compiles them for other systems: test-arch.sh [JOB...]
#
# Without JOB all jobs run, and docs/platforms.md, the table of what was done
# where, must say the same. Processors other than amd64 are emulated by
# qemu-user. All that is fetched for this stays below build/arch.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
# Relative paths from here on: the flags for compilers are split at spaces.
cd "$root"
arch=build/arch
minimum=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Per machine: the job; the processor in Debian's words; gcc's and Rust's name
# for it; qemu's name, "-" if it runs here; the order of bytes; the compiler,
# which is the minimum version, Debian's newest or the one installed (Debian has
# no library of the minimum version for riscv64); and the references to the msg
# symbols that src/msg.rs must have chosen.
machines='
amd64            amd64    x86_64-linux-gnu       x86_64-unknown-linux-gnu       -        little  minimum    weak
i386             i386     i686-linux-gnu         i686-unknown-linux-gnu         i386     little  minimum    weak
arm64            arm64    aarch64-linux-gnu      aarch64-unknown-linux-gnu      aarch64  little  minimum    weak
armhf            armhf    arm-linux-gnueabihf    armv7-unknown-linux-gnueabihf  arm      little  minimum    weak
s390x            s390x    s390x-linux-gnu        s390x-unknown-linux-gnu        s390x    big     minimum    weak
ppc64el          ppc64el  powerpc64le-linux-gnu  powerpc64le-unknown-linux-gnu  ppc64le  little  minimum    strong
ppc64el-newest   ppc64el  powerpc64le-linux-gnu  powerpc64le-unknown-linux-gnu  ppc64le  little  newest     weak
riscv64          riscv64  riscv64-linux-gnu      riscv64gc-unknown-linux-gnu    riscv64  little  newest     weak
amd64-installed  amd64    x86_64-linux-gnu       x86_64-unknown-linux-gnu       -        little  installed  weak
amd64-strong     amd64    x86_64-linux-gnu       x86_64-unknown-linux-gnu       -        little  installed  strong
'
# The harnesses that qemu-user can run; one with C++ needs no second processor.
portable='layout call failure logging silent-no-msg silent-no-info silent-no-verbose'
zig_version=0.17.1

# result ok|FAIL TITLE REMARK: one line, on the terminal and in the records.
result() {
    printf '  %-4s %-16s %-26s %s\n' "$1" "$job" "$2" "$3" | tee -a "$work/results"
}

# did SYSTEM PROCESSOR LIBRARY RUST REFERENCES LINKS WHAT: a row of the table, if
# it was done without a failure.
did() {
    [ "$job_failed" -eq 0 ] || return 0
    for cell; do
        printf '| %s ' "$cell"
    done >>"$work/row"
    echo '|' >>"$work/row"
}

# get_ready TITLE COMMAND...: without it the job cannot go on.
get_ready() {
    ready_title=$1
    shift
    if ! "$@" >>"$work/setup.log" 2>&1; then
        result FAIL "$ready_title" "cannot be set up: $(tail -n 1 "$work/setup.log") (all of it: $work/setup.log)"
        exit 1
    fi
}

# have COMMAND: one that scripts/deps.sh installs.
have() {
    command -v "$1" || {
        echo "the command '$1' is missing; 'scripts/deps.sh arch' installs it"
        return 1
    }
}

# harnesses TITLE NAME=FILE...: CC, RUN, CFLAGS and LDFLAGS are in the environment.
harnesses() {
    title=$1
    shift
    log=$work/$(echo "$title" | tr ' ' '-').log
    if OUT=$work/programs/$(echo "$title" | tr ' ' '-') LABEL="$job, $title" \
        POSTFIX_HEADER=$tree/src/master c_tests/run.sh "$@" >"$log" 2>&1; then
        links="${links:+$links, }$title"
        result ok "$title" "$(sed -n 's/.*: \([0-9]* passed\), 0 failed$/\1/p' "$log")"
    else
        result FAIL "$title" "$(grep -c FAIL "$log") failed: $(grep -e FAIL "$log" || tail -n 1 "$log") (all of it: $log)"
        job_failed=1
    fi
}

# with C-FLAGS LINKER-FLAGS: for the calls of harnesses that follow.
with() {
    export CFLAGS="-O2 -I $arch/cmocka/include $1"
    export LDFLAGS="-L $work $2"
}

# references weak|strong OBJECT: it refers to the msg symbols in that way.
references() {
    case $1 in
    weak) type=w ;;
    strong) type=U ;;
    esac
    if [ "$(nm "$2" | grep -c "^ *$type msg_\(info\|verbose\)$")" -ne 2 ]; then
        nm "$2"
        echo "the references to msg_info and msg_verbose are not $1"
        return 1
    fi
}

# nm does not read Mach-O, whose assembler knows nothing of our weak references;
# so the names alone tell.
names_msg_symbols() {
    if [ "$(strings "$1" | grep -c '^_msg_\(info\|verbose\)$')" -ne 2 ]; then
        echo "$1 does not name msg_info and msg_verbose"
        return 1
    fi
}

machine() {
    linker=CARGO_TARGET_$(echo "$target" | tr 'a-z-' 'A-Z_')_LINKER
    export CC="$triple-gcc" TARGET="$target" HARNESSES="$portable" RUN="" "$linker=$triple-gcc" \
        OBJCOPY="$triple-objcopy"
    if [ "$qemu" = - ]; then
        export HARNESSES="$portable cplusplus"
    fi
    get_ready compiler have "$CC"
    case $rust in
    minimum) set -- "$minimum" "$target" "$processor" ;;
    newest) set -- newest "$target" ;;
    installed) set -- ;;
    esac
    if [ $# -gt 0 ]; then
        get_ready "Rust for $target" scripts/arch-rust.sh "$@"
        RUSTC=$(scripts/arch-rust.sh "$@")
        export RUSTC
    fi
    # A target without weak references gets strong ones unasked; amd64 is told.
    if [ "$job" = amd64-strong ]; then
        export CARGO_FLAGS="--features strong-msg"
    fi
    get_ready "the library" scripts/build.sh "$work"
    get_ready "its references" references "$references" "$work/master_proto.o"
    get_ready "the C original" env HARDENED=0 c_tests/original.sh "$tree" "$work"
    get_ready "the C original, shared" "$CC" -shared "$work/original.o" -Wl,-soname,liboriginal.so \
        -o "$work/liboriginal.so"
    get_ready cmocka scripts/arch-cmocka.sh "$CC" "$work"

    ours=
    [ "$references" = weak ] || ours=strong-
    object="${ours}object=$work/master_proto.o"
    archive="${ours}archive=$work/libmaster_proto.a"
    if [ "$qemu" != - ]; then
        get_ready emulator have "qemu-$qemu-static"
        RUN="qemu-$qemu-static -L /usr/$triple"
    fi
    with -fno-pie -static
    harnesses static "original=$work/original.o" "$object" "$archive"
    with -fno-pie -no-pie
    harnesses non-PIE "original=$work/original.o" "$object"
    with -fPIE -pie
    harnesses PIE "original=$work/original.o" "$object"
    harnesses shared "original=$root/$work/liboriginal.so" "${ours}shared=$root/$work/libmaster_proto.so"

    case $rust in
    minimum) rust=$minimum ;;
    *) rust=current ;;
    esac
    did Linux "$processor" glibc "$rust" "$references" "$links" run
}

# The object that was built for glibc.
musl() {
    export CC=musl-gcc HARNESSES="$portable"
    get_ready compiler have "$CC"
    get_ready cmocka scripts/arch-cmocka.sh "$CC" "$work"
    cp "$host/master_proto.o" "$host/libmaster_proto.a" "$host/original.o" "$work"
    for name in master_proto original; do
        get_ready "$name, shared" "$CC" -shared "$work/$name.o" "-Wl,-soname,$name.so" -o "$work/$name.so"
    done
    with -fno-pie -static
    harnesses static "original=$work/original.o" "object=$work/master_proto.o" "archive=$work/libmaster_proto.a"
    with -fno-pie -no-pie
    harnesses non-PIE "original=$work/original.o" "object=$work/master_proto.o"
    with -fPIE -pie
    harnesses PIE "original=$work/original.o" "object=$work/master_proto.o"
    harnesses shared "original=$root/$work/original.so" "shared=$root/$work/master_proto.so"
    did Linux amd64 musl current weak "$links, all of the object made for glibc" run
}

linkers() {
    export CC=gcc HARNESSES="$portable"
    get_ready cmocka scripts/arch-cmocka.sh "$CC" "$work"
    set -- "original=$host/original.o" "object=$host/master_proto.o" "archive=$host/libmaster_proto.a"
    tried=
    for name in bfd gold lld mold; do
        # -z defs is for shared libraries; the others are for programs, too.
        flags="-fuse-ld=$name -Wl,--gc-sections -Wl,-z,now -Wl,--as-needed"
        get_ready "$name" have "ld.$name"
        # shellcheck disable=SC2086 # a list of words
        get_ready "$name, shared library" "$CC" -shared -Wl,-u,master_notify -Wl,-z,defs $flags \
            "$host/libmaster_proto.a" -o "$work/from-archive-$name.so"
        with "-ffunction-sections $flags" -static
        harnesses "$name static" "$@"
        with "-ffunction-sections $flags" -pie
        harnesses "$name PIE" "$@"
        harnesses "$name shared" "original=$host/original.o" "shared=$root/$work/from-archive-$name.so"
        tried="${tried:+$tried, }$name"
    done
    with -flto -flto
    harnesses "gcc -flto" "$@"
    did Linux amd64 glibc current weak \
        "with $tried: \`--gc-sections\`, \`-z defs\`, \`-z now\`, \`--as-needed\`; with \`gcc -flto\`" run
}

# What compiles for a system: Zig has the headers of all of them.
compile() {
    case $1 in
    *.h) set -- cc -x c -std=c89 -pedantic-errors "$1" ;;
    *.cc) set -- c++ "$1" ;;
    *) set -- cc "$1" ;;
    esac
    compiler=$1
    shift
    "$zig/ziglang/zig" "$compiler" -target "$zig_target" -Wall -Wextra -Werror \
        -I include -I "$arch/cmocka/include" -c "$@" -o "$work/compiled.o"
}

other_systems() {
    zig=$arch/zig-$zig_version
    if [ ! -d "$zig" ]; then
        rm -rf "$zig.new"
        get_ready "Zig $zig_version" python3 -m pip install --quiet --no-deps --target "$zig.new" "ziglang==$zig_version"
        mv "$zig.new" "$zig"
    fi
    export ZIG_GLOBAL_CACHE_DIR="$root/$work/cache" ZIG_LOCAL_CACHE_DIR="$root/$work/cache"
    while read -r system processor zig_target; do
        [ -n "$system" ] || continue
        log=$work/$zig_target.log
        : >"$log"
        compiled=0
        broken=
        for source in $portable_sources; do
            if compile "$source" >>"$log" 2>&1; then
                compiled=$((compiled + 1))
            else
                broken="$broken $source"
            fi
        done
        if [ -z "$broken" ]; then
            result ok "$zig_target" "$compiled passed (compiled only)"
            did "$system" "$processor" "the system's" - - "the header, and all harnesses but seccomp" compiled
        else
            result FAIL "$zig_target" "does not compile:$broken (all of it: $log)"
            job_failed=1
        fi
    done <<END
$systems
END
}
systems='
FreeBSD  amd64  x86_64-freebsd
FreeBSD  arm64  aarch64-freebsd
NetBSD   amd64  x86_64-netbsd
OpenBSD  amd64  x86_64-openbsd
macOS    amd64  x86_64-macos
macOS    arm64  aarch64-macos
'
# The header and the harnesses; seccomp(2) is Linux's alone.
portable_sources="include/master_proto.h c_tests/harness.c c_tests/msg.c $(
    awk '$2 ~ /^[a-z]+\.cc?$/ && $2 != "seccomp.c" { print "c_tests/" $2 }' c_tests/run.sh | sort -u
)"

# The object alone, where one system or processor stands for others.
objects() {
    while read -r system processor target references; do
        [ -n "$system" ] || continue
        get_ready "Rust for $target" scripts/arch-rust.sh newest "$target"
        get_ready "$target" env TARGET="$target" LINK=0 RUSTC="$(scripts/arch-rust.sh newest "$target")" \
            scripts/build.sh "$work/$target"
        case $target in
        *-apple-*) get_ready "$target, its references" names_msg_symbols "$work/$target/master_proto.o" ;;
        *) get_ready "$target, its references" references "$references" "$work/$target/master_proto.o" ;;
        esac
        result ok "$target" "1 passed (compiled only)"
        did "$system" "$processor" "the system's" current "$references" "the object alone" compiled
    done <<END
$object_targets
END
}
object_targets='
FreeBSD  amd64     x86_64-unknown-freebsd          weak
macOS    arm64     aarch64-apple-darwin            strong
Linux    mips64el  mips64el-unknown-linux-gnuabi64 strong
'

# What follows from the choices of build.rs alone.
expected() {
    did "FreeBSD, NetBSD, OpenBSD" "those above" "the system's" - weak "the library" expected
    did Linux "loongarch64, riscv32" any current weak "the library" expected
    did Linux "SPARC, other MIPS" any current strong "the library" expected
    did macOS amd64 "the system's" - strong "the object" expected
}

# What the harnesses saw of our object in a static program, with each word of a
# message in the order of amd64: every machine must show the same. A part of a
# message has no such order; only its length counts.
seen_by() {
    for harness in layout call failure logging; do
        cat "$arch/$1/programs/static/"*object/$harness.observed
    done | awk -v order="$2" '
        !/^[0-9]+ bytes: / { print; next }
        { line = $1 " bytes" }
        $1 % 12 == 0 {
            for (i = 3; i <= NF; i += 4)
                line = line " " (order == "big" ? $(i + 3) " " $(i + 2) " " $(i + 1) " " $i \
                    : $i " " $(i + 1) " " $(i + 2) " " $(i + 3))
        }
        { print line }'
}

same_bytes() {
    seen_by amd64 little >"$work/amd64"
    while read -r other processor triple target qemu order rust references; do
        case $other in
        '' | amd64) continue ;;
        esac
        seen_by "$other" "$order" >"$work/$other"
        if [ -s "$work/amd64" ] && cmp -s "$work/amd64" "$work/$other"; then
            result ok "$other" "same as amd64, $order-endian: 1 passed"
        else
            result FAIL "$other" "is not the same as amd64: $(diff "$work/amd64" "$work/$other" | head -n 3)"
            job_failed=1
        fi
    done <<END
$machines
END
}

# run_job NAME: in a process of its own, since it sets the environment.
run_job() {
    job=$1
    work=$arch/$job
    mkdir -p "$work"
    # Links of an earlier run must not be taken for this one's.
    rm -rf "$work/setup.log" "$work/programs"
    job_failed=0
    links=
    case $job in
    musl) musl ;;
    linkers) linkers ;;
    other-systems) other_systems ;;
    objects) objects ;;
    expected) expected ;;
    same-bytes) same_bytes ;;
    *)
        line=$(printf '%s\n' "$machines" | grep "^$job ") || die "there is no job '$job': $0 lists them"
        read -r _ processor triple target qemu order rust references <<END
$line
END
        machine
        ;;
    esac
    touch "$work/finished"
}

# The table, made of the rows that the jobs left behind.
table() {
    cat <<END
# Platforms

What \`make test-arch\` did where. It writes this table and compares it with this file.

- **run**: these C harnesses ran, and saw the same as with the C original that was compiled by the
  same compiler, for musl by that for glibc: \`$portable\`.
  Processors other than amd64 were emulated by qemu-user. \`make test\` runs all harnesses, on amd64.
- **compiled**: no more than that, the C sources with \`zig cc\`; nothing was linked or run.
- **expected**: nothing was tried. It follows from how \`build.rs\` chooses.

Rust $minimum is the minimum; *current* is the one installed, or Debian's newest. With *weak* references
to \`msg_verbose\` and \`msg_info\` a program may lack both; with *strong* ones it must define them,
as for the C original, and that it does not link otherwise is part of the test.

| System | Processor | C library | Rust | References | Links | What was done |
|---|---|---|---|---|---|---|
END
    for done_job in $all_jobs; do
        [ ! -f "$arch/$done_job/row" ] || cat "$arch/$done_job/row"
    done
}

host=$arch/host
tree=$root/build/postfix/distribution/static
if [ "${1-}" = --job ]; then
    run_job "$2"
    exit
fi

[ "$(uname -m)" = x86_64 ] || die "this runs on amd64 alone, whose compilers for the others it uses."
start_log arch
need python3 nm strings xargs
step "Postfix, for the C original" env POSTFIX_SRC= scripts/postfix-build.sh static
step "Rust $minimum of Debian" scripts/arch-rust.sh "$minimum"
step "the newest Rust of Debian" scripts/arch-rust.sh newest
step "the library with the Rust installed" scripts/build.sh "$host"
step "the C original" env HARDENED=0 c_tests/original.sh "$tree" "$host"
step "cmocka" scripts/arch-cmocka.sh cc "$host"

machine_jobs=$(printf '%s\n' "$machines" | awk '{ print $1 }')
all_jobs="$machine_jobs musl linkers other-systems objects expected"
jobs=${*:-$all_jobs}
rm -f "$arch"/*/results "$arch"/*/row "$arch"/*/finished
# shellcheck disable=SC2086 # a list of words
printf '%s\n' $jobs | xargs -n 1 -P "$(getconf _NPROCESSORS_ONLN)" "$0" --job || :

for job in $jobs; do
    work=$arch/$job
    mkdir -p "$work"
    if [ ! -f "$work/finished" ] && ! grep -q '^  FAIL' "$work/results" 2>/dev/null; then
        result FAIL "the job" "ended too early, without saying why"
    fi
done

if [ $# -eq 0 ]; then
    run_job same-bytes
    job=table
    work=$arch/table
    mkdir -p "$work"
    rm -f "$work/results"
    table >"$work/platforms.md"
    if cmp -s "$work/platforms.md" docs/platforms.md; then
        result ok docs/platforms.md "says what was done: 1 passed"
    else
        diff docs/platforms.md "$work/platforms.md" || :
        result FAIL docs/platforms.md "is not what was done; if that is right: cp $work/platforms.md docs/"
    fi
fi

passed=$(cat "$arch"/*/results | grep -o '[0-9]* passed' | awk '{ n += $1 } END { print n + 0 }')
failed=$(cat "$arch"/*/results | grep -c '^  FAIL' || :)
echo "architectures: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
