#!/bin/sh
# Measures what is the same in each run with the same tools, and prints it as docs/design.md has it.
# A directory for temporary files is TMPDIR; the Postfix trees and build/original must be there.
set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
BRANCH_PROTECTION=0 tools/build "$TMPDIR/unmarked" >&2
gcc -O2 -fPIC -c c_tests/bare.c -o "$TMPDIR/bare.o"

row() { # TITLE COMMAND...: runs the command for each object
    printf '| %s |' "$1"
    shift
    for object in build/master_proto.o build/original/original-marked.o "$TMPDIR/unmarked/master_proto.o" \
        build/original/original-protected.o build/original/original.o "$TMPDIR/bare.o"; do
        "$@" "$object" >"$TMPDIR/figure"
        printf ' %s |' "$(cat "$TMPDIR/figure")"
    done
    echo
}
count_calls() { # LINK OBJECT: compiles a program that calls as often as it is told
    # shellcheck disable=SC2086 # two options
    gcc -O2 -I include c_tests/count.c "$2" $1 -o "$TMPDIR/count"
}
# In user space, for master_notify() and all it calls. Not a whole number if the ten calls differ.
instructions() { # sent|lost LINK OBJECT
    count_calls "$2" "$3"
    LD_BIND_NOW=1 valgrind --tool=callgrind --vgdb=no --toggle-collect=master_notify \
        --log-file="$TMPDIR/log" --callgrind-out-file=/dev/null "$TMPDIR/count" "$1" 10
    awk '/Collected : / { print $NF / 10 }' "$TMPDIR/log"
}
traced() { # NUMBER: how many system calls a program with so many calls makes
    strace -qq -o "$TMPDIR/trace" "$TMPDIR/count" sent "$1"
    wc -l <"$TMPDIR/trace"
}
system_calls() { # OBJECT
    count_calls '' "$1"
    echo $(($(traced 11) - $(traced 10)))
}
bytes() {
    size "$1" | awk 'NR == 2 { print $1 + $2 }'
}

echo "With $(uname -m), rustc $(rustc --version | cut -d ' ' -f 2), gcc $(gcc -dumpfullversion)," \
    "ld $(ld --version | sed -n '1s/.* //p'), $(getconf GNU_LIBC_VERSION):"
echo
echo '| | ours | C, stack protector and branch protection | ours without branch protection |' \
    "C, stack protector | C | bare \`write\` |"
echo '|---|---|---|---|---|---|---|'
row 'instructions, call succeeds, static link' instructions sent -static
row 'instructions, call fails, static link' instructions lost -static
row 'instructions, call succeeds, dynamic link' instructions sent '-fPIE -pie'
row 'instructions, call fails, dynamic link' instructions lost '-fPIE -pie'
row 'system calls' system_calls
row 'object, text and data, bytes' bytes
