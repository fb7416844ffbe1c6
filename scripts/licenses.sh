#!/bin/sh
# Prints the licenses of all crates that a user, a maintainer or a test
# compiles: what docs/licenses.txt holds.
set -eu
cd "$(dirname "$0")/.."

# crates EDGES [OPTION...]: on every platform, without versions.
crates() {
    tree=$("${CARGO:-cargo}" tree --locked --target all --prefix none --format '{p}|{l}' --edges "$@")
    printf '%s\n' "$tree" |
        sed -n 's/ (\*)$//; s/^\([^ ]*\) v[^|]*|/\1|/p' | LC_ALL=C sort -u -t '|' -k 1,1
}

mkdir -p build
cat <<'END'
# Crate, license. After a change of Cargo.lock: read what is new, then
# scripts/licenses.sh >docs/licenses.txt
END
echo
echo "# In the artefacts:"
crates normal | awk -F '|' '{ printf "%-16s %s\n", $1, $2 }'
echo
echo "# Only in tests, or in the generation of the header:"
crates normal >build/licenses.normal
crates normal,build,dev --all-features | grep -vxFf build/licenses.normal |
    awk -F '|' '{ printf "%-16s %s\n", $1, $2 }'
rm build/licenses.normal
