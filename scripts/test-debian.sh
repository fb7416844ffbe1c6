#!/bin/sh
# Builds Debian's own postfix package with our object inside, and compares it
# with the package as Debian ships it. Called by `make test-debian`.
#
# That package's rules set the system clock (date -s) where they may. Here they
# may not, and that the clock did not move is checked.
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
instance=$root/scripts/instance.sh
work=$root/build/debian

if [ "${1:-}" = --inside ]; then
    run=$work/run
    rm -rf "$run"
    trap '"$instance" stop "$run" >/dev/null 2>&1 || :' EXIT
    "$instance" create "$run" "$work/unpacked"
    "$instance" start "$run"
    "$instance" deliver "$run" 5
    "$instance" wait-mail "$run" 5
    "$instance" check "$run" 5
    "$root/tools/postfix-running" "$run"
    exit 0
fi

. "$root/scripts/checks.sh"
need dpkg-buildpackage dpkg-source setpriv readelf nm
log_of_build=$root/build/log/debian-build.log

# "setpriv ... dpkg-buildpackage ...", as the documents give it.
command=$(documented 'MASTER_PROTO=.* dpkg-buildpackage .*' | sed 's|^[^ ]* ||')
# shellcheck disable=SC2086 # a list of words
without_clock() {
    ${command%%dpkg-buildpackage*} "$@"
}
# Bit 25 of the capabilities of a program that runs that way.
cannot_set_clock() {
    for set in CapEff CapPrm CapBnd CapInh; do
        bits=$(without_clock sed -n "s/^$set:[[:space:]]*//p" /proc/self/status)
        [ -n "$bits" ] || die "no $set in /proc/self/status"
        [ $((0x$bits >> 25 & 1)) -eq 0 ] || die "$set still has CAP_SYS_TIME: $bits"
    done
}
# The wall clock, less the time since boot: constant, unless somebody sets it.
clock() {
    awk -v now="$(date +%s.%N)" '{ printf "%.2f\n", now - $1 }' /proc/uptime
}

package_builds() {
    cannot_set_clock
    MASTER_PROTO=$root
    export MASTER_PROTO
    echo "$command"
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
    cd "$source"
    cat "$root/contrib/debian-rules.mk" >>debian/rules
    sh -c "$command" >"$log_of_build" 2>&1 || {
        tail -n 15 "$log_of_build"
        die "the package does not build. The full log: $log_of_build"
    }
}
clock_has_not_moved() {
    grep 'date: cannot set date' "$log_of_build" ||
        die "the build did not try to set the clock: is this check still needed?"
    echo "$clock_before before, $clock_after after"
    awk -v a="$clock_before" -v b="$clock_after" 'BEGIN { d = b - a; exit d > 5 || d < -5 }'
}
# Put in by relinking: make had nothing to compile again.
nothing_compiled_twice() {
    relink=$root/build/log/postfix-object.log
    [ -s "$relink" ] || die "nothing was relinked: there is no $relink"
    grep -c ' -o ' "$relink"
    [ "$(grep -c ' -c [a-z0-9_]*\.c' "$relink")" -eq 0 ] || die "make compiled anew: $relink"
}
code_is_ours() {
    (
        cd "$source"
        documented_code=$(documented '/path/to/.* code debian/.*')
        sh -c "\"$root\"${documented_code#/path/to/master_proto}" | tee "$work/said"
        grep '^ours ' "$work/said"
    )
    dpkg -x "$work"/postfix_*.deb "$work/unpacked"
    "$root/tools/postfix-object" code "$work/unpacked/usr/lib/postfix/libpostfix-master.so" | grep '^ours '
    # And no daemon has a copy of its own.
    for file in "$work"/unpacked/usr/lib/postfix/sbin/*; do
        [ -z "$("$root/tools/postfix-object" code "$file" | cut -d ' ' -f 1)" ] || die "$file has a master_notify"
    done
}
same_version() {
    ours=$(dpkg-deb -f "$work"/postfix_*.deb Version)
    theirs=$(dpkg-deb -f "$root"/build/postfix/debian-binary/packages/postfix_*.deb Version)
    echo "$ours, $theirs"
    [ "$ours" = "$theirs" ]
}
exported() {
    nm -D --defined-only "$1" | awk '{ print $2, $3 }'
}
undefined() {
    nm -D --undefined-only "$1" | awk '{ print $NF }'
}
dynamic() {
    readelf -dW "$1" | sed -n 's/.*(\(NEEDED\|SONAME\|RUNPATH\|RPATH\|FLAGS\|FLAGS_1\|BIND_NOW\|TEXTREL\|SYMBOLIC\)) *//p'
}
segments() {
    readelf -lW "$1" | sed -n 's/^ *\(GNU_STACK\|GNU_RELRO\) .* \([RWE ]\{3\}\) .*/\1 \2/p'
    readelf -nW "$1" | grep -A 3 'GNU_PROPERTY\|Properties' || echo "no properties"
}
# same_as_stock WHAT: one of the four above.
same_as_stock() {
    "$1" "$stock" | sort >"$work/stock.$1"
    "$1" "$work/unpacked/usr/lib/postfix/libpostfix-master.so" | sort >"$work/ours.$1"
    cat "$work/stock.$1"
    [ -s "$work/stock.$1" ]
    diff "$work/stock.$1" "$work/ours.$1"
}

"$root/scripts/build.sh" "$root/build"
stock=$("$root/scripts/debian-binary.sh")/usr/lib/postfix/libpostfix-master.so
POSTFIX_SRC='' "$root/scripts/postfix-source.sh" >/dev/null
rm -rf "$work"
mkdir -p "$work"
source=$work/source
dpkg-source --no-check -x "$root"/build/postfix/distribution/download/postfix_*.dsc "$source" >>"$log"

# Of another tree's relinking, perhaps.
rm -f "$root/build/log/postfix-object.log"
clock_before=$(clock)
check "dpkg-buildpackage, which cannot set the clock" package_builds
clock_after=$(clock)
check "it tried to set the clock, and the clock did not move" clock_has_not_moved
check "our object put in by linking alone" nothing_compiled_twice
check "the code in the package is ours" code_is_ours
check "the version that Debian ships" same_version
check "libpostfix-master.so: the same exported symbols" same_as_stock exported
check "libpostfix-master.so: the same undefined symbols" same_as_stock undefined
check "libpostfix-master.so: the same NEEDED, SONAME, RUNPATH, BIND_NOW" same_as_stock dynamic
check "libpostfix-master.so: the same RELRO, stack and property notes" same_as_stock segments
check "the package's programs run and call ours" "$root/scripts/sandbox.sh" "$0" --inside
end_checks debian
