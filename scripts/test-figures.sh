#!/bin/sh
# Tests the exact figures: the goals, and that the documents quote what is
# measured.
#
# A document quotes figures in lines of the table of figures.sh, between
# <!-- figures --> and <!-- /figures -->; docs/bench.md has the whole table.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
mkdir -p "$root/build/figures"
table=$root/build/figures/table
"$root/scripts/figures.sh" >"$table"
cat "$table"
passed=0
failed=0

ok() {
    passed=$((passed + 1))
    echo "  ok   $*"
}
fail() {
    failed=$((failed + 1))
    echo "  FAIL $*"
}

# figure TITLE COLUMN: 1 is ours, 2 C with stack protector.
figure() {
    awk -F ' *[|] *' -v title="$1" -v column="$2" '$2 == title { print $(column + 2) }' "$table"
}

# exactly NUMBER TITLE, at_most_c TITLE
exactly() {
    seen=$(figure "$2" 1)
    if [ "$seen" = "$1" ]; then ok "$2: $1"; else fail "$2: '$seen' is not $1"; fi
}
at_most_c() {
    seen=$(figure "$1" 1)
    limit=$(figure "$1" 2)
    if [ -n "$seen" ] && [ -n "$limit" ] && [ "$seen" -le "$limit" ]; then
        ok "$1: $seen, C with stack protector $limit"
    else
        fail "$1: '$seen' is more than the '$limit' of C with stack protector"
    fi
}

exactly 1 "system calls"
exactly 2 "crates compiled"
if [ "$(uname -m)" = x86_64 ]; then
    for what in "call succeeds, static link" "call succeeds, dynamic link" \
        "call succeeds, shared library"; do
        at_most_c "instructions, $what"
    done
    at_most_c "object, text and data, bytes"
    at_most_c "relocations of that library"
    at_most_c "relocations at the start of a program with it"
    at_most_c "private memory of that library, loaded, kB"
else
    echo "  note: the goals for instructions and bytes are set on x86_64; this is $(uname -m)"
fi

# The lines that a document quotes.
quoted() {
    sed -n '/<!-- figures -->/,/<!-- \/figures -->/p' "$1" | grep '^|' || :
}
tools=$("$root/scripts/figures.sh" tools)
whole=$root/docs/bench.md
if ! grep -q '^Exact figures with: ' "$whole"; then
    fail "docs/bench.md has no line 'Exact figures with: ...'"
elif ! grep -qxF "Exact figures with: $tools" "$whole"; then
    # Another compiler makes other code.
    echo "  note: not compared with the documents, whose figures are of other tools than here: $tools"
else
    quoted "$whole" >"$table.quoted"
    if diff "$table.quoted" "$table"; then
        ok "docs/bench.md quotes all figures as measured"
    else
        fail "docs/bench.md does not quote the figures measured; see above. Run 'make bench' and copy build/bench/bench.md"
    fi
    for document in "$root/README.md" "$root"/docs/*.md; do
        if [ "$document" = "$whole" ] || ! grep -q '<!-- figures -->' "$document"; then
            continue
        fi
        quoted "$document" >"$table.quoted"
        if [ ! -s "$table.quoted" ]; then
            fail "${document#"$root/"} quotes no figures between its marks"
        elif [ "$(grep -cxF -f "$table" "$table.quoted")" -ne "$(wc -l <"$table.quoted")" ]; then
            grep -vxF -f "$table" "$table.quoted"
            fail "${document#"$root/"}: the lines above are not as measured"
        else
            ok "${document#"$root/"} quotes figures as measured"
        fi
    done
fi

echo "figures: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
