#!/bin/sh
# Compiles include/master_proto.h in every language and standard, with gcc and
# clang: alone, and included twice. Then compiles each of Postfix's sources
# that include it, with Postfix's header and with ours at the same path, to the
# same bytes: header.sh TREE, where TREE is a built Postfix.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
[ $# -eq 1 ] || die "usage: header.sh TREE, a built Postfix"
tree=$(cd "$1" && pwd)
need gcc g++ clang clang++

out=$root/build/header_test
rm -rf "$out"
mkdir -p "$out"
printf '#include <master_proto.h>\nextern int alone;\n' >"$out/once.c"
printf '#include <master_proto.h>\n#include <master_proto.h>\nextern int twice;\n' >"$out/twice.c"
cp "$out/once.c" "$out/once.cc"
cp "$out/twice.c" "$out/twice.cc"

passed=0
failed=0
report() {
    if [ "$1" = ok ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '  FAIL %s\n' "$2"
    fi
}

accepts() {
    compiler=$1
    standard=$2
    for source in "$out"/once."$3" "$out"/twice."$3"; do
        if "$compiler" "-std=$standard" -pedantic-errors -Wall -Wextra -Werror \
            -I "$root/include" -c "$source" -o "$out/object.o"; then
            report ok
        else
            report FAIL "$compiler -std=$standard, ${source##*/}"
        fi
    done
}

# The names that compilers of 2022 know; C23 and C++23 were drafts.
for standard in c89 c99 c11 c17 c2x; do
    accepts gcc "$standard" c
    accepts clang "$standard" c
done
for standard in c++98 c++11 c++14 c++17 c++20 c++2b; do
    accepts g++ "$standard" cc
    accepts clang++ "$standard" cc
done
echo "header: compiled in all standards"

# A copy, in which the header is exchanged; the compiler command is that of
# Postfix's make, without debug information, which names the header's lines.
copy=$out/postfix
cp -a "$tree" "$copy"
cc_line=$(sed -n 's/^CC[[:space:]]*=[[:space:]]*//p' "$copy/conf/makedefs.out" | sed 's/[$](WARN)//')
system=$(sed -n 's/^SYSTYPE[[:space:]]*=[[:space:]]*//p' "$copy/conf/makedefs.out")

# compile SOURCE OBJECT: in the source's folder, as make does.
compile() {
    (
        cd "$(dirname "$1")"
        eval "$cc_line -O2 -D$system -c \"\${1##*/}\" -o \"\$2\""
    )
}

sources=$(cd "$copy/src" && grep -l '^#include.*[<"]master_proto\.h[>"]' ./*/*.c | sort)
for source in $sources; do
    name=$(echo "${source#./}" | tr / -)
    compile "$copy/src/$source" "$out/$name.postfix.o"
done
for place in include src/master; do
    rm -f "$copy/$place/master_proto.h"
    cp "$root/include/master_proto.h" "$copy/$place/master_proto.h"
done
for source in $sources; do
    name=$(echo "${source#./}" | tr / -)
    if compile "$copy/src/$source" "$out/$name.ours.o" &&
        cmp "$out/$name.postfix.o" "$out/$name.ours.o"; then
        printf '  ok   same bytes with our header: %s\n' "${source#./}"
        report ok
    else
        report FAIL "${source#./} does not compile to the same bytes with our header"
    fi
done

# The list is Postfix's: five server skeletons, master, queue managers and others.
for wanted in single_server multi_server trigger_server event_server dgram_server mail_flow \
    master_avail master_ent master_flow master_proto master_spawn master_status \
    qmgr tlsmgr postconf_master; do
    case $sources in
    *"/$wanted.c"*) report ok ;;
    *) report FAIL "no $wanted.c among Postfix's sources that include the header" ;;
    esac
done
rm -rf "$copy"

printf 'header: %s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
