#!/bin/sh
# Measures what the library costs, beside Postfix's own C code and beside a bare
# write(2): bench.sh, or QUICK=1 bench.sh for a run that shows only that all of
# it works.
#
# Called by `make bench`. Leaves in build/bench: bench.md and bench.svg, which
# are committed in docs/, raw.csv with each pair of measurements (of the calls:
# each process, whose pairs are in calls.csv), summary.csv with their ratios,
# sizes.csv, sections.csv, memory.csv and build.csv. Times are ratios within pairs
# that alternate, since the machine may be busy. POSTFIX_SRC as in
# postfix-source.sh.
# shellcheck disable=SC2317 # step calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
[ "$(id -u)" -eq 0 ] ||
    die "root is needed, since Postfix's master(8) starts as root. Run 'make bench' again as root."
need cc objcopy objdump readelf size strace valgrind unshare mount ip socat pkg-config
pkg-config --exists libsystemd ||
    die "libsystemd's header is missing. 'make deps' installs what the benchmark needs."

case ${QUICK:-} in
"" | 0)
    quick=
    processes=60 call_pairs=20 sender_pairs=60 load_pairs=2000 mail_pairs=40 mails=3000 builds=7
    ;;
*)
    quick=' (the quick variant, whose times mean nothing)'
    processes=2 call_pairs=2 sender_pairs=2 load_pairs=10 mail_pairs=2 mails=100 builds=1
    ;;
esac
cc=${CC:-cc}
out=$root/build/bench
figures=$root/build/figures
start_log bench
begin=$(date +%s)

# Seconds of each.
clean_builds() {
    : >"$out/build.csv"
    while [ "$(wc -l <"$out/build.csv")" -lt "$builds" ]; do
        rm -rf "$out/fresh"
        build_begin=$(date +%s.%N)
        "$root/scripts/build.sh" "$out/fresh"
        date +%s.%N | awk -v begin="$build_begin" '{ printf "%.1f\n", $1 - begin }' >>"$out/build.csv"
    done
    rm -rf "$out/fresh"
}
build_seconds() {
    sort -n "$out/build.csv" | awk '
        { second[NR] = $1 }
        END { print second[int((NR + 1) / 2)] " s (" second[1] " to " second[NR] " s in " NR " builds)" }'
}

exact_figures() {
    "$root/scripts/figures.sh" >"$out/figures.md"
}

# After exact_figures, whose objects these are, under names of their own.
compile() {
    for pair in ours:ours plain:c original-hardened:hardened bare:bare; do
        objcopy --redefine-sym "master_notify=${pair#*:}_notify" "$figures/${pair%:*}.o" \
            "$out/${pair#*:}.o"
    done
    for name in calls contention load; do
        set -- "$root/benches/$name.c" "$root/benches/msg.c" -o "$out/$name"
        [ "$name" = load ] || set -- "$@" "$out/ours.o" "$out/c.o"
        # shellcheck disable=SC2046 # words for the linker
        [ "$name" != calls ] ||
            set -- "$@" "$out/hardened.o" "$out/bare.o" $(pkg-config --cflags --libs libsystemd)
        # -rdynamic: the shared libraries find the msg symbols in the program.
        "$cc" -std=gnu11 -O2 -Wall -Wextra -Werror -rdynamic -I "$root/include" "$@"
    done
}

# Pairs in one process are alike, since they share its addresses. So a process
# counts as one: with the median of its pairs.
calls() {
    : >"$out/calls.csv"
    process=0
    while [ "$process" -lt "$processes" ]; do
        "$out/calls" "$call_pairs" "$figures/libbuilt.so" "$figures/libplain.so" >"$out/process.csv"
        sed "s/^/$process,/" "$out/process.csv" >>"$out/calls.csv"
        awk -f "$root/benches/summary.awk" "$out/process.csv" |
            awk -F , -v OFS=, -v process="$process" '{ print $1, $2, process, $4, 1 }' >>"$out/raw.csv"
        process=$((process + 1))
    done
    rm "$out/process.csv"
}
senders() {
    "$out/contention" "$sender_pairs" 200000 256 >>"$out/raw.csv"
}
loading() {
    cp "$figures/libplain.so" "$out/libagain.so"
    "$out/load" time "$load_pairs" "$figures/libours.so" "$figures/libplain.so" >>"$out/raw.csv"
    "$out/load" time "$load_pairs" "$out/libagain.so" "$figures/libplain.so" |
        sed 's/^load,dlopen,/load,dlopen of C again,/' >>"$out/raw.csv"
}

stock_tree() {
    "$root/scripts/postfix-build.sh" "$1" >"$out/tree-$1"
}
our_tree() {
    rm -rf "$out/$1-ours"
    cp -a "$(cat "$out/tree-$1")" "$out/$1-ours"
    "$root/tools/postfix-object" replace "$out/$1-ours"
}

# The bytes and pages of each program that contains master_notify, with C and
# with ours.
sizes() {
    measure_programs "$(cat "$out/tree-$1")" >"$out/sizes-C"
    measure_programs "$out/$1-ours" >"$out/sizes-ours"
    join -t , "$out/sizes-C" "$out/sizes-ours" | sed "s/^/$1,/" >"$out/sizes-$1"
    if [ ! -s "$out/sizes-$1" ] || [ "$(wc -l <"$out/sizes-$1")" -ne "$(wc -l <"$out/sizes-C")" ]; then
        die "the programs with master_notify are not the same in the stock tree and in $out/$1-ours"
    fi
    cat "$out/sizes-$1" >>"$out/sizes.csv"
}
measure_programs() {
    "$root/tools/postfix-object" code "$1"/lib/*.so "$1"/libexec/* 2>/dev/null |
        sed -n 's/^[^ ][^ ]* *//p' | while read -r file; do
            size "$file" | awk -v name="${file##*/}" 'NR == 2 { printf "%s,%d,%d,%d,", name, $1, $2, $3 }'
            # Of the segments in memory.
            readelf -lW "$file" | awk '$1 == "LOAD" { print $3, $6 }' | while read -r at bytes; do
                echo $(((at % 4096 + bytes + 4095) / 4096))
            done | awk '{ n += $1 } END { print n }'
        done | LC_ALL=C sort -t , -k 1,1
}

sections() {
    echo "file,section,bytes"
    for file in ours.o protected.o plain.o libbuilt.so libours.so libplain.so; do
        size -A "$figures/$file" | awk -v file="$file" '
            NF == 3 && $2 ~ /^[0-9]+$/ && $2 > 0 { print file "," $1 "," $2 }'
    done
}
write_sections() {
    sections >"$out/sections.csv"
}

mail() {
    mkdir -p "$out/mail"
    "$root/scripts/sandbox.sh" "$root/benches/mail.sh" "$out/mail" "$1" "$mail_pairs" "$mails" \
        "$(cat "$out/tree-$1")" "$out/$1-ours" >"$out/mail-$1.csv"
    rm -rf "$out/mail" "$out/$1-ours"
    sed '/^memory,/d' "$out/mail-$1.csv" >>"$out/raw.csv"
    sed -n 's/^memory,//p' "$out/mail-$1.csv" >>"$out/memory.csv"
}

# The change of column $2 (ours at $3) in sizes.csv for the builds of kind $1.
change() {
    awk -F , -v kind="$1" -v c="$2" -v ours="$3" '
        $1 == kind {
            d = $ours - $c
            if (!n++ || d < low) low = d
            if (n == 1 || d > high) high = d
        }
        END { if (low == high) printf "%+d", low; else printf "%+d to %+d", low, high }' "$out/sizes.csv"
}

# The programs whose last page had no room for the change.
page_more() {
    awk -F , -v kind="$1" '
        $1 == kind && $10 > $6 { print $2 }
        $1 == kind && $10 < $6 { print $2 " (a page less)" }' "$out/sizes.csv" |
        paste -s -d , | sed 's/,/, /g; s/^$/none/'
}

# The rows of the tables in the document.

# section_rows FILE FILE FILE: the bytes of each section in the three.
section_rows() {
    awk -F , -v first="$1" -v second="$2" -v third="$3" '
        ($1 == first || $1 == second || $1 == third) && $2 !~ /^\.(comment|note|debug|annobin|gnu\.build)/ {
            name = $2
            sub(/^\.text\.master_notify$/, ".text", name)
            sub(/^\.rodata\..*/, ".rodata", name)
            if (!(name in seen)) {
                seen[name]
                names[++n] = name
            }
            bytes[$1, name] += $3
        }
        END {
            for (i = 1; i <= n; i++)
                printf "| `%s` | %d | %d | %d |\n", names[i], bytes[first, names[i]],
                    bytes[second, names[i]], bytes[third, names[i]]
        }' "$out/sections.csv"
}

program_rows() {
    for kind in static shared; do
        printf '| %s | %d | %s | %s | %s | %s |\n' "$kind" "$(wc -l <"$out/sizes-$kind")" \
            "$(change "$kind" 3 7)" "$(change "$kind" 4 8)" "$(change "$kind" 5 9)" "$(page_more "$kind")"
    done
}

each_program_row() {
    awk -F , '{
        printf "| %s | %s | %d %+d | %d %+d | %d %+d | %d %+d |\n", $1, $2, $3, $7 - $3, $4, $8 - $4,
            $5, $9 - $5, $6, $10 - $6
    }' "$out/sizes.csv"
}

memory_rows() {
    awk -F , '
        { ours[$1, $2] = $3; c[$1, $2] = $4; daemons[$2] }
        function kilobytes(kind, daemon) {
            return (kind, daemon) in ours ? ours[kind, daemon] " | " c[kind, daemon] : "– | –"
        }
        END { for (name in daemons) printf "| %s | %s | %s |\n", name, kilobytes("static", name), kilobytes("shared", name) }
    ' "$out/memory.csv" | LC_ALL=C sort
}

ratio_rows() {
    awk -F , '{
        printf "| %s | %s | %d | %.3f | %.3f to %.3f | %.3f to %.3f |\n", $1, $2, $3, $4, $5, $6, $7, $8
    }' "$out/summary.csv"
}

document() {
    cat <<END
# What it costs

Written by \`make bench\`$quick, in one run.

Machine: $(getconf _NPROCESSORS_ONLN) processors, $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r | sed "s/-.*//").
C compiler: $("$cc" --version | head -n 1). Rust: $("${RUSTC:-rustc}" --version).
\`C\` is Postfix's own master_proto.c with \`-O2 -fPIC\`, \`C, stack protector\` has
\`-fstack-protector-strong\` as well, \`C hardened\` also \`-D_FORTIFY_SOURCE=2
-fstack-clash-protection -fcf-protection\`. Ours is the release profile of Cargo.toml.
The Postfix is $(sed -n 's/^#define MAIL_VERSION_NUMBER[[:space:]]*"\(.*\)"/\1/p' \
        "$(cat "$out/tree-static")/src/global/mail_version.h"), compiled with its own default flags.

![What master_notify costs](bench.svg)

## Exact figures

The same in each run. Instructions are those in user space between the entry of
\`master_notify\` and its return, \`write\` in the C library included, counted by
callgrind, for a call to \`/dev/null\` and for one with descriptor 5 closed. The last
column is the limit: a function that does nothing but call \`write\`.

Exact figures with: $("$root/scripts/figures.sh" tools)

<!-- figures -->
$(cat "$out/figures.md")
<!-- /figures -->

Why plain \`-O2\` takes fewer instructions: its reference to \`msg_verbose\` is strong. Ours is
weak, so that programs without Postfix's libraries work too; a call loads the pointer from a table
and compares it with null before it reads \`msg_verbose\`. Position-independent C
code calls \`write\` and \`msg_info\` through the PLT, ours through the GOT, which is one jump less
where the link is dynamic and gives one relocation instead of a PLT entry and a relocation.
The library as built is smaller since Rust's linker does not separate code from data by pages.

Sections of the object, in bytes:

| section | ours | C, stack protector | C |
|---|---|---|---|
$(section_rows ours.o protected.o plain.o)

Sections of the shared library in memory: as built, and linked by cc from our object and from C:

| section | as built | ours | C |
|---|---|---|---|
$(section_rows libbuilt.so libours.so libplain.so)

What relinked Postfix programs gain with ours in place of the C object, in bytes, least to most;
the C object of the Postfix build has neither \`-O2\` nor stack protector:

| build | programs | text | data | bss | programs with a page more, of 4 kB |
|---|---|---|---|---|---|
$(program_rows)

A program takes a page more where its text or data ended within these few bytes of a page's end.
Each of them, with C, and what it gains:

| build | program | text | data | bss | pages |
|---|---|---|---|---|---|
$(each_program_row)

## Read off in this run

What a running daemon has of its own of the files with its program and with libpostfix-master.so, in
kB (pages that the dynamic linker or the program wrote to):

| daemon | static, ours | C | shared, ours | C |
|---|---|---|---|---|
$(memory_rows)

From an empty output folder, with the crates at hand, all artefacts are built in $(build_seconds).

## Ratios

Each pair measures both one after the other, within seconds for senders and mail and within
milliseconds otherwise, the one or the other first by turns. Two successive pairs, one of each order,
give one ratio, so that the order cancels out. The table has the median of the ratios, bounds that
contain the true median with 95 % confidence, and the quartiles. What is closer to 1 than these
bounds was not seen.

- A call: time over that of a bare \`write\`. Each of the pairs is a process of $call_pairs pairs. A
  bare \`write\` is the limit for all: less than 1 is where the code happens to lie.
- Senders, mail: messages a second, ours over C.
- Loading: time of \`dlopen\`, ours over C linked alike; and C over C, for the error of that.

| group | case | pairs | median | 95 % | quartiles |
|---|---|---|---|---|---|
$(ratio_rows)
END
}
# The substitutions above hide a failure, which leaves a cell or a table empty.
document_is_whole() {
    if grep -n '|  *|' "$1" | grep -v ':| | ours |' || grep -n -A 1 '^|---' "$1" | grep '^[0-9]*-$' || grep -n ' in \.$' "$1"; then
        die "$1 lacks something in these lines"
    fi
    [ "$(wc -l <"$out/summary.csv")" -eq $((13 + 9 + 2 + 2)) ] ||
        die "$out/summary.csv does not have the 13 cases of calls, 9 of senders, 2 of loading and 2 of mail; see $out/raw.csv"
}
write_documents() {
    awk -f "$root/benches/summary.awk" "$out/raw.csv" >"$out/summary.csv"
    awk -f "$root/benches/picture.awk" "$out/summary.csv" >"$out/bench.svg"
    document >"$out/bench.md"
    document_is_whole "$out/bench.md"
}

mkdir -p "$out"
: >"$out/raw.csv"
: >"$out/sizes.csv"
: >"$out/memory.csv"
step "build from an empty folder" clean_builds
for kind in static shared; do
    step "build Postfix, $kind (once)" stock_tree "$kind"
    step "put ours into a copy of it" our_tree "$kind"
done
step "exact figures" exact_figures
step "compile the benchmarks" compile
step "time of a call" calls
step "1 to 256 senders on one pipe" senders
step "time of dlopen" loading
for kind in static shared; do
    step "sizes of Postfix's programs, $kind" sizes "$kind"
done
step "sections" write_sections
for kind in static shared; do
    step "mail through Postfix, $kind" mail "$kind"
done
step "summary, picture and document" write_documents

echo
cat "$out/figures.md"
echo
awk -F , '{ printf "%-14s %-26s %.3f  (%.3f to %.3f, %d pairs)\n", $1, $2, $4, $5, $6, $3 }' "$out/summary.csv"
echo
echo "Done in $(($(date +%s) - begin)) s. The whole of it: $out/bench.md and bench.svg, for docs/;" \
    "each measurement: $out/raw.csv"
