#!/bin/sh
# Tests the tests: tests/mutants.sh [NAME]. `make mutants T=NAME` builds what it needs first.
#
# Makes each mutant of mutants.txt whose name contains NAME in a copy of the checkout,
# where the test that it names must fail; and those that cargo-mutants knows, for which
# `cargo test` must fail. Survivors are listed at the end.
set -eu
unset CDPATH MAKEFLAGS
cd "$(dirname "$0")/.."
root=$PWD
work=$root/build/mutants

survives() { # REASON: ends this process, or the subshell
    echo "SURVIVES $name: $1" | tee -a "$work/survivors"
    exit
}

# Without an edit, the test must pass.
try_mutant() { # FILE TEST NAME EDIT
    file=$1 test=$2 name=$3 edit=$4
    log=$work/$name.log
    copy=$(mktemp -d "$work/copy.XXXXXX")
    trap 'rm -rf "$copy"' EXIT
    trap 'exit 1' HUP INT TERM
    cp -a "$work/checkout/." "$copy"
    cd "$copy"
    sed -i -e "$edit" "$file"
    [ -z "$edit" ] || ! cmp -s "$file" "$root/$file" ||
        survives "its edit changes nothing in $file. Mend it in tests/mutants.txt"

    # Tests that are compiled already look at the copy, too.
    tests=$root
    case $edit:$file in
    :*) ;;
    *:src/* | *:build.rs | *:tools/[bir]*)
        # tools/inspect refuses some mutants; the tests must catch them, too.
        tools/build build >"$log" 2>&1 || { grep -q 'tools/abi.txt' "$log" && mv build/new/* build; } ||
            survives "it does not build, see $log"
        [ "$file" != "${file#tools/}" ] || ! cmp -s build/master_proto.o "$root/build/master_proto.o" || survives "it gives the same object"
        ;;
    *:tests/*.rs) tests=$copy ;;
    esac
    case $test in
    *::*) set -- --manifest-path "$tests/tests/Cargo.toml" --test system ;;
    *) tests=$copy && set -- --test notify ;;
    esac
    CHECKOUT=$copy CARGO_TARGET_DIR=$tests/build/target \
        cargo test --locked "$@" -- --exact "$test" >"$log" 2>&1 || :
    if [ -z "$edit" ]; then
        grep -q '^test result: ok. 1 passed' "$log" || survives "the test does not pass without it, see $log"
    else
        grep -q '^test result: FAILED. 0 passed; 1 failed' "$log" || survives "$test does not fail, see $log"
        # A program without the msg symbols fails to link with strong references.
        case $test in
        *caller_without_*) ;;
        *) ! grep -q 'error: ld returned' "$log" || survives "a C test does not link, so nothing was tested, see $log" ;;
        esac
    fi
    echo "caught $name"
}

# The references to the msg symbols are compiled in one of two ways, each in one run.
try_cargo_mutants() {
    name=cargo-mutants
    for run in weak strong; do
        set --
        [ $run = weak ] || set -- --features strong-msg --cargo-arg=--test=notify
        # It exits with 2 or 3 if it lists mutants in these files.
        build/cargo-mutants/bin/cargo-mutants mutants --no-times --colors=never --timeout=120 \
            --dir="$work/checkout" --output "$work/$run" "$@" || case $? in 2 | 3) ;; *) exit 1 ;; esac
        [ -s "$work/$run/mutants.out/caught.txt" ] || survives "it caught none"
        cat "$work/$run/mutants.out/missed.txt" "$work/$run/mutants.out/timeout.txt" | sort >"$work/$run/all"
    done
    comm -12 "$work/weak/all" "$work/strong/all" >"$work/missed"
    [ ! -s "$work/missed" ] || survives "$(cat "$work/missed")"
    echo "caught $name"
}

if [ $# -gt 1 ]; then
    try_mutant "$@"
    exit
fi
wanted=${1-}
rm -rf "$work"
mkdir -p "$work/checkout/build"
awk -v "wanted=$wanted" '
    /^(#|$)/ { next }
    /^[^ ]/ { file = $1; test = $2; next }
    !index($1, wanted) { next }
    !(test in seen) { seen[test]; print file "\n" test "\n" "no-mutant-of-" test "\n" }
    { print file "\n" test "\n" $1; sub(/^ *[^ ]* /, ""); print }' tests/mutants.txt >"$work/rows"
if [ ! -s "$work/rows" ] && [ "$wanted" != cargo-mutants ]; then
    echo "mutants: no mutant's name contains '$wanted'. They are in tests/mutants.txt." >&2
    exit 1
fi
git -c 'safe.directory=*' ls-files -z --cached --others --exclude-standard |
    tar -c --null --no-recursion --ignore-failed-read -T - | tar -x -C "$work/checkout" --no-same-owner
git -C "$work/checkout" init --quiet
git -C "$work/checkout" add --all # some tests ask for the files of the checkout
for path in build/*; do
    case $path in
    */cargo | */target | */log | */mutants) ;;
    *master_proto*) cp -a "$path" "$work/checkout/build" ;;
    *) ln -s "$root/$path" "$work/checkout/build" ;;
    esac
done
tests/mutants.sh README.md product::note::artefacts_have_the_note trial 's/$/ /' | grep -q '^SURVIVES trial: product' || {
    echo "mutants: a mutant that no test can see is not called a survivor." >&2
    exit 1
}
: >"$work/survivors"
xargs -r -d '\n' -n 4 -P "$(nproc)" tests/mutants.sh <"$work/rows"
if [ -z "$wanted" ] || [ "$wanted" = cargo-mutants ]; then
    (try_cargo_mutants)
fi
[ -s "$work/survivors" ] || exit 0
echo "these survive:" >&2
cat "$work/survivors" >&2
exit 1
