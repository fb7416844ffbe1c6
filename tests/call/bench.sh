#!/bin/sh
# Prints the time of a call over that of a bare write(2), its limit: tests/call/bench.sh [PROCESSES]
#
# Where code lies in a page matters more than what it does, so each process has the
# code at other addresses, and counts once.
set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
processes=${1:-60}
to=$(mktemp -d)
trap 'rm -rf "$to"' EXIT
trap 'exit 1' HUP INT TERM

cc -O2 -rdynamic c_tests/bench.c -ldl -o "$to/bench"
cc -O2 -fPIC -c c_tests/bare.c -o "$to/bare.o"
set -- build/master_proto.o build/original/original.o build/original/original-hardened.o "$to/bare.o" "$to/bare.o"
process=0
while [ $((process += 1)) -le "$processes" ]; do
    number=0
    for object; do
        number=$((number + 1))
        cc -shared "-Wl,-Ttext=$((65536 + (process * 37 + number * 101) % 256 * 16))" "$object" -o "$to/$number.so"
    done
    "$to/bench" "$to/1.so" "$to/2.so" "$to/3.so" "$to/4.so" "$to/5.so" 5>/dev/null
done >"$to/ratios"

echo "time of a call over that of a bare write: median of $processes processes, 95 % confidence"
column=0
for name in ours 'C' 'C, hardened' 'control: a bare write'; do
    column=$((column + 1))
    # The bounds are order statistics: the median is between them, whatever the distribution.
    cut -d ' ' -f $column "$to/ratios" | sort -n | awk -v name="$name" '
        { ratio[NR] = $1 }
        END {
            low = int(NR / 2 - 0.98 * sqrt(NR))
            printf "%-22s %.3f (%.3f to %.3f)\n", name, ratio[int((NR + 1) / 2)], ratio[low], ratio[NR + 1 - low]
        }'
done
