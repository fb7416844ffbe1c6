#!/bin/sh
# Tests the tests: makes one mistake after the other in a copy of the crate and
# fails if one is not caught: mutants.sh [NAME...]
#
# First cargo-mutants, judged by `cargo test`; then the list in mutants.txt,
# for what it does not see: assembler, field order, numbers, texts. Names of
# that list run these alone.
# shellcheck disable=SC2317 # step calls the functions by name
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
cd "$root"
need cc c++ strace timeout
cargo_mutants_version=27.1.0
work=$root/build/mutants
copy=$work/crate
mkdir -p "$work"
start_log mutants

install_cargo_mutants() {
    tool=$root/build/tools/bin/cargo-mutants
    if ! [ -x "$tool" ] || [ "$("$tool" mutants --version)" != "cargo-mutants $cargo_mutants_version" ]; then
        "${CARGO:-cargo}" install --root "$root/build/tools" --locked --force \
            --version "$cargo_mutants_version" cargo-mutants
    fi
}

fresh_copy() {
    rm -rf "$copy"
    mkdir -p "$copy"
    # Less those that were deleted, so what is there.
    git ls-files | while IFS= read -r file; do
        [ -f "$file" ] || continue
        mkdir -p "$copy/$(dirname "$file")"
        cp -p "$file" "$copy/$file"
        # Newer than what the last run has built of its mutants.
        touch "$copy/$file"
    done
}

# mutate NAME [OPTION...]: runs cargo-mutants on the copy, since of the checkout
# it would copy build/ as well, into build/. What no test caught is left in
# NAME/missed.
mutate() {
    into=$work/$1
    rm -rf "${into:?}"
    mkdir -p "$into/tmp"
    shift
    TMPDIR=$into/tmp "$tool" mutants --dir "$copy" --no-times --colors never --output "$into" \
        --timeout 120 "$@" && mutants_status=0 || mutants_status=$?
    # 2 and 3: some were missed, or took too long.
    case $mutants_status in
    0 | 2 | 3) ;;
    *) die "cargo-mutants itself failed, with status $mutants_status" ;;
    esac
    sort "$into/mutants.out/missed.txt" "$into/mutants.out/timeout.txt" >"$into/missed"
    [ -s "$into/mutants.out/caught.txt" ] || die "cargo-mutants caught none: were there tests?"
}

# Each of the two ways to refer to msg_* is compiled in one of the runs only; a
# mutant survives if neither run catches it.
no_survivor() {
    tool=$root/build/tools/bin/cargo-mutants
    mutate weak
    mutate strong --features strong-msg --cargo-arg=--test=notify
    comm -12 "$work/weak/missed" "$work/strong/missed" >"$work/survivors"
    [ ! -s "$work/survivors" ] || {
        cat "$work/survivors"
        die "no test catches the mutants above"
    }
}

# harnesses HARNESS...: 0 if all of them pass on the copy's object.
harnesses() {
    (
        RANDOM_CALLS=1000 LABEL=mutants OUT=$work/c_tests HARNESSES=$*
        export RANDOM_CALLS LABEL OUT HARNESSES
        timeout 90 c_tests/run.sh "original=$root/build/original/original.o" \
            "object=$work/built/master_proto.o"
    )
}

# passes CATCHER: 0 if the test finds nothing wrong in the copy.
passes() {
    case $1 in
    artefacts)
        CARGO_TARGET_DIR=$work/target "${CARGO:-cargo}" test --quiet --locked \
            --manifest-path "$copy/Cargo.toml" --test artefacts
        ;;
    strace) (export RUN=c_tests/trace.sh && harnesses call descriptors failure logging) ;;
    *) harnesses "$1" ;;
    esac
}

build_copy() {
    "$copy/scripts/build.sh" "$work/built"
}

prepare() {
    scripts/build.sh build
    tree=$(scripts/postfix-build.sh static)
    c_tests/original.sh "$tree" build/original
    echo "$tree" >"$work/tree"
}

unchanged_passes() {
    build_copy
    cp "$work/built/master_proto.o" "$work/unchanged.o"
    awk '!/^#/ && NF == 3 && $3 ~ /\.rs$/ { print $2 }' scripts/mutants.txt | sort -u |
        while read -r catcher; do
            passes "$catcher" </dev/null
        done
}

# caught NAME CATCHER FILE EDIT
caught() {
    sed "$4" "$root/$3" >"$copy/$3"
    if cmp -s "$root/$3" "$copy/$3"; then
        die "the edit of $1 changes nothing in $3 any more. Mend it in scripts/mutants.txt."
    fi
    diff "$root/$3" "$copy/$3" || :
    build_copy || die "$1 does not build, so nothing was tested. Mend it in scripts/mutants.txt."
    ! cmp -s "$work/built/master_proto.o" "$work/unchanged.o" ||
        die "$1 gives the same object. Mend it in scripts/mutants.txt."
    passes "$2" >"$work/findings" 2>&1 && found=0 || found=$?
    cat "$work/findings"
    case "$2 $found" in
    *" 0") die "$1 is not caught by $2" ;;
    *" 124") echo "caught: it hangs" ;;
    # A run that broke for another reason has caught nothing.
    artefacts*) grep -q '^test result: FAILED' "$work/findings" ;;
    # Strong references show when the program is linked.
    silent*) grep 'FAIL .* on object' "$work/findings" ;;
    *) grep 'FAIL .* on object: [sb]e' "$work/findings" && ! grep 'FAIL .* on original' "$work/findings" ;;
    esac || die "$2 did fail, but not because of $1"
}

wanted=" $* "
passed=0
fresh_copy
if [ $# -eq 0 ]; then
    step "install cargo-mutants $cargo_mutants_version (once)" install_cargo_mutants
    step "cargo-mutants: no survivor" no_survivor
    number=$(sort -u "$work/weak/mutants.out/caught.txt" "$work/strong/mutants.out/caught.txt" | wc -l)
    echo "       $number mutants caught by cargo test"
    passed=$number
fi
step "build Postfix's own object, to compare with" prepare
POSTFIX_HEADER=$(cat "$work/tree")/src/master
export POSTFIX_HEADER
step "the unchanged copy passes" unchanged_passes
ran=0
while read -r name catcher file; do
    case $name in
    "" | \#*) continue ;;
    esac
    IFS= read -r edit || die "$name has no edit in scripts/mutants.txt"
    case $wanted in
    "  " | *" $name "*) ;;
    *) continue ;;
    esac
    step "$name: $catcher" caught "$name" "$catcher" "$file" "$edit"
    cp "$root/$file" "$copy/$file"
    ran=$((ran + 1))
done <scripts/mutants.txt
[ "$ran" -gt 0 ] || die "no mutant of that name in scripts/mutants.txt"
echo "mutants: $((passed + ran)) passed, 0 failed"
