#!/bin/sh
# Runs the tests and counts them: test.sh [SUITE...]
#
# A suite is a command that ends with 0 if all is well and says, in lines with
# "N passed", how many tests it ran; running none is a failure. Called by
# `make test`, which installs what is missing first.
# shellcheck disable=SC2317 # suite calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
cd "$root"

[ "$(id -u)" -eq 0 ] ||
    die "root is needed, since the tests start a Postfix, whose master(8) starts as root. Run 'make test' again as root."
start_log test
wanted=" $* "
passed=0
failed=0
broken=

# suite NAME COMMAND [ARGUMENT...]: goes on after a failure, to report all.
suite() {
    suite_name=$1
    shift
    case $wanted in
    "  " | *" $suite_name "*) ;;
    *) return 0 ;;
    esac
    start_log "test-$suite_name"
    suite_start=$(date +%s)
    if [ -t 1 ]; then
        printf '  ..   %s\r' "$suite_name"
    fi
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    suite_status=$?
    set -e
    suite_time=$(($(date +%s) - suite_start))
    good=$(grep -o '[0-9][0-9]* passed' "$log" | awk '{ n += $1 } END { print n + 0 }')
    bad=$(grep -o '[0-9][0-9]* failed' "$log" | awk '{ n += $1 } END { print n + 0 }')
    passed=$((passed + good))
    if [ "$suite_status" -eq 0 ] && [ "$bad" -eq 0 ] && [ "$good" -gt 0 ]; then
        printf '  ok   %-28s %5d passed %5d s\n' "$suite_name" "$good" "$suite_time"
        grep '^ *note: not ' "$log" | sed 's/^ */       /' || :
        sed -n 's/^.* cases on .* implementations.*/       &/p' "$log"
        return 0
    fi
    [ "$bad" -gt 0 ] || bad=1
    failed=$((failed + bad))
    broken="$broken $suite_name"
    printf '  FAIL %-28s %5d passed, %d failed %5d s\n' "$suite_name" "$good" "$bad" "$suite_time"
    { grep -e FAIL -e '^error' "$log" || tail -n 20 "$log"; } | head -n 30 | sed 's/^/       | /'
    printf '       the full log: %s\n' "$log"
}

# one COMMAND...: counts as one test.
one() {
    "$@"
    echo "1 passed"
}

header_is_current() {
    scripts/header.sh >build/master_proto.h.generated
    if ! diff -u include/master_proto.h build/master_proto.h.generated; then
        echo "FAIL: include/master_proto.h is not what cbindgen makes of src/lib.rs. Run 'make header'."
        return 1
    fi
    echo "1 passed"
}

stock_tree() {
    scripts/postfix-build.sh static
}

# What the C tests compare, the original first.
c_implementations() {
    scripts/build.sh build
    tree=$(stock_tree)
    c_tests/original.sh "$tree" build/original
    export POSTFIX_HEADER="$tree/src/master"
    original=original=$root/build/original/original.o
    hardened=original-hardened=$root/build/original/original-hardened.o
    object=object=$root/build/master_proto.o
    archive=archive=$root/build/libmaster_proto.a
    shared=shared=$root/build/libmaster_proto.so
}

# Strong references are what other systems get; here they are asked for.
harnesses_on_all_artefacts() {
    c_implementations
    CARGO_FLAGS="${CARGO_FLAGS-} --features strong-msg" scripts/build.sh build/strong
    c_tests/run.sh "$original" "$hardened" "$object" "$archive" "$shared" \
        "strong-object=$root/build/strong/master_proto.o"
}

log_lines_are_rendered_alike() {
    c_implementations
    c_tests/rendered.sh "$tree" "$original" "$hardened" "$object" "$archive" "$shared"
}

harnesses_under_tools() {
    c_implementations
    c_tests/tools.sh "$original" "$object" "$shared"
}

# What the demo could leave behind: users, mounts, network, temporary files, and
# processes that run a program of the checkout.
host_state() {
    cksum /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/hosts 2>/dev/null || :
    cut -d' ' -f2 /proc/mounts
    ls -d /tmp/tmp.* /var/spool/postfix /etc/postfix /var/lib/postfix 2>/dev/null || :
    ip -brief address
    find /proc -maxdepth 2 -name exe -lname "$root/*" 2>/dev/null || :
}

demo_delivers_and_leaves_no_trace() {
    host_state >build/host-before
    scripts/demo.sh
    host_state >build/host-after
    if ! diff build/host-before build/host-after; then
        echo "FAIL: the demo has changed the host, as above"
        return 1
    fi
    echo "demo: 2 passed"
}

header_compiles_everywhere() {
    c_tests/header.sh "$(stock_tree)"
}

differences_are_those_documented() {
    c_implementations
    c_tests/differences.sh build/original
}

# What is read, and what is built.
suite rustfmt one cargo fmt --check
suite clippy one cargo clippy --locked --all-targets -- -D warnings
suite shellcheck one shellcheck scripts/*.sh c_tests/*.sh benches/*.sh .ci/run
suite cargo-test cargo test --locked --no-fail-fast
suite header-drift header_is_current
suite header-standards header_compiles_everywhere
suite reproducible scripts/test-reproducible.sh
suite package scripts/test-package.sh
suite install scripts/test-install.sh
suite man scripts/test-man.sh

# The call, beside the C original.
suite c-harnesses harnesses_on_all_artefacts
suite c-rendered log_lines_are_rendered_alike
suite c-differences differences_are_those_documented
suite c-tools harnesses_under_tools
suite behaviour scripts/behaviour.sh

# In a real Postfix.
suite demo demo_delivers_and_leaves_no_trace
suite errors scripts/test-errors.sh
suite service scripts/test-service.sh
suite postfix-replace scripts/test-postfix-replace.sh
suite preload scripts/test-preload.sh
suite netbsd scripts/test-netbsd.sh
suite system scripts/test-system.sh

# What is written, and what is measured.
suite docs scripts/test-docs.sh
suite figures scripts/test-figures.sh
suite bench-quick one env QUICK=1 scripts/bench.sh

[ $((passed + failed)) -gt 0 ] || die "there is no suite$wanted; the list is at the end of $0"
echo
[ -z "$broken" ] || echo "failed:$broken"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
