#!/bin/sh
# Tests the manual pages: their form, and that the programs in them work. The
# one of master_proto(7) runs in a real Postfix: test-service.sh.
# shellcheck disable=SC2317 # check calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
. "$root/scripts/checks.sh"
cd "$root"
need cc mandoc man
work=$root/build/man
mkdir -p "$work"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
scripts/build.sh build >>"$log" 2>&1 || die "the build failed, see $log"

mandoc_is_silent() {
    [ -z "$(mandoc -T lint "$1" 2>&1 | tee /dev/stderr)" ]
}

groff_is_silent() {
    LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >"$work/troff" | tee "$work/warnings"
    [ ! -s "$work/warnings" ] && [ -s "$work/troff" ]
}

names_the_version() {
    head -n 2 "$1" | grep "^\.TH .*\"master_proto $version\"\$"
}

sections() {
    sed -n 's/^\.SH //p' man/master_notify.3 >"$work/sections"
    for section in NAME LIBRARY SYNOPSIS DESCRIPTION 'RETURN VALUE' ERRORS ATTRIBUTES EXAMPLES 'SEE ALSO'; do
        grep -x "$section" "$work/sections"
    done
}

both_renderings_show_the_same_program() {
    mandoc -T ascii "$1" | scripts/man-example.sh >"$work/example.c"
    LC_ALL=C.UTF-8 MANWIDTH=80 man -E UTF-8 -l "$1" | scripts/man-example.sh >"$work/other.c"
    diff "$work/example.c" "$work/other.c"
}

compiles() {
    cp "$work/example.c" "$work/$1.c"
    cc -O2 -Wall -Wextra -Werror -pedantic -I include -o "$work/$1" "$work/$1.c" build/libmaster_proto.a
}

# Two messages: its own pid, 017 is 15, taken; and available.
example_sends() {
    GENERATION=17 "$work/master_notify" 5>"$work/sent" >"$work/output" &
    pid=$!
    wait "$pid"
    od -An -v -w12 -td4 "$work/sent" | awk '{ print $1, $2, $3 }' >"$work/messages"
    printf '%d 15 0\n%d 15 1\n' "$pid" "$pid" | diff - "$work/messages"
    grep 'waits for the next client' "$work/output"
}

# The reader of the pipe goes first.
example_ends_without_master() {
    mkfifo "$work/pipe"
    : <"$work/pipe" &
    exec 5>"$work/pipe"
    wait $!
    rm "$work/pipe"
    GENERATION=17 "$work/master_notify" >"$work/output" 2>"$work/errors"
    exec 5>&-
    grep 'this client is ours: Broken pipe' "$work/errors"
    grep 'here the client is served' "$work/output"
    ! grep 'waits for the next client' "$work/output"
}

example_wants_master() {
    refuses 'only master(8) starts this program' env -u GENERATION "$work/master_notify"
}

for page in man/master_notify.3 man/master_proto.7; do
    check "$page: mandoc -T lint is silent" mandoc_is_silent "$page"
    check "$page: man --warnings is silent" groff_is_silent "$page"
    check "$page: names the version" names_the_version "$page"
    check "$page: man and mandoc show the same program" both_renderings_show_the_same_program "$page"
    name=${page#*/}
    check "$page: its program compiles" compiles "${name%.*}"
done
check "master_notify(3) has the sections of a C library's page" sections
check "master_notify(3): its program sends two messages" example_sends
check "master_notify(3): its program serves the client and ends without master" example_ends_without_master
check "master_notify(3): its program wants to be started by master" example_wants_master
header_names_the_pages() {
    for page in 'master_notify(3)' 'master_proto(7)'; do
        grep -F "$page" include/master_proto.h
    done
}
check "the header names both pages" header_names_the_pages
rm -rf "$work"
end_checks man
