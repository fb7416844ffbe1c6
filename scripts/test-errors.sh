#!/bin/sh
# What a user sees who gives a Postfix source of theirs, bad input, or lacks
# something: one message that says what, where and what to do; a non-zero exit;
# nothing of theirs changed.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

# A checkout of its own, so that nothing that is built already hides an error.
# Its path has spaces.
place="$root/build/errors/a b"
rm -rf "$root/build/errors"
mkdir -p "$place/checkout" "$place/inputs"
for file in Cargo.toml Cargo.lock build.rs cbindgen.toml Makefile src include scripts; do
    cp -R "$root/$file" "$place/checkout"
done
cd "$place/checkout"

passed=0
failed=0
# expect TEXT COMMAND...: it fails, says TEXT, and says it in the last line.
expect() {
    text=$1
    shift
    set +e
    said=$("$@" 2>&1 </dev/null)
    status=$?
    set -e
    last=$(printf '%s\n' "$said" | tail -n 1)
    if [ "$status" -eq 0 ]; then
        echo "  FAIL exit status 0 instead of the error '$text'"
    else
        case $last in
        *"$text"*)
            echo "  ok   $last"
            passed=$((passed + 1))
            return 0
            ;;
        esac
        printf '  FAIL no "%s" in the last line of:\n%s\n' "$text" "$said"
    fi
    failed=$((failed + 1))
}

checksum() {
    (cd "$1" && find . -type f -exec cksum {} + | sort | cksum)
}

inputs=$place/inputs
source=$("$root/scripts/postfix-source.sh")

# A tarball and a tree of the user's give the same source as the distribution's.
(cd "$source/.." && tar -cf "$inputs/own.tar" source)
cp -R "$source" "$inputs/own"
for own in "$inputs/own.tar" "$inputs/own"; do
    taken=$(POSTFIX_SRC=$own scripts/postfix-source.sh)
    if [ "$(checksum "$taken")" = "$(checksum "$source")" ]; then
        echo "  ok   POSTFIX_SRC=$own"
        passed=$((passed + 1))
    else
        echo "  FAIL POSTFIX_SRC=$own: $taken is another source than $source"
        failed=$((failed + 1))
    fi
done

# No Postfix.
expect "is neither a folder nor a file. Name an unpacked Postfix" \
    env POSTFIX_SRC="$inputs/missing" scripts/postfix-source.sh
mkdir "$inputs/other"
expect "is not a Postfix source" env POSTFIX_SRC="$inputs/other" scripts/postfix-source.sh
echo "no archive" >"$inputs/text.tar.gz"
expect "is not a tar archive" env POSTFIX_SRC="$inputs/text.tar.gz" scripts/postfix-source.sh

# One of before 2.2, and one that does not compile; both stay as they are.
mkdir -p "$inputs/old/src/master"
: >"$inputs/old/makedefs"
echo 'extern int master_notify(int, int);' >"$inputs/old/src/master/master_proto.h"
expect "is older than Postfix 2.2" env POSTFIX_SRC="$inputs/old" scripts/postfix-source.sh
cp -R "$source" "$inputs/broken"
echo '#error "broken on purpose"' >>"$inputs/broken/src/util/msg.c"
before=$(checksum "$inputs/broken")
expect "The full log: " env POSTFIX_SRC="$inputs/broken" scripts/postfix-build.sh static
if [ "$before" = "$(checksum "$inputs/broken")" ]; then
    passed=$((passed + 1))
else
    echo "  FAIL the user's tree $inputs/broken has changed"
    failed=$((failed + 1))
fi

# No network: a network namespace without one.
expect "Is there a network? POSTFIX_SRC=" unshare --net scripts/postfix-source.sh

# No compiler: a PATH with the basic tools alone.
tools=$place/tools
mkdir "$tools"
for tool in sh cat cp cut dirname env getconf grep id ls mkdir mv rm sed tail tar touch cksum uname; do
    ln -s "$(command -v "$tool")" "$tools/$tool"
done
expect "'cc' is missing. 'make deps' installs" \
    env PATH="$tools" POSTFIX_SRC="$source" scripts/postfix-build.sh static
expect "no Rust compiler" env PATH="$tools" scripts/build.sh "$place/out"
expect "'no-cargo' is missing" env CARGO=no-cargo scripts/build.sh "$place/out"
expect "'no-ar' is missing" env AR=no-ar scripts/build.sh "$place/out"
expect "It needs a C compiler" env RUSTFLAGS="-C linker=no-cc" scripts/build.sh "$place/out"
expect "and the crate libc" env CARGO_HOME="$place/no-crates" unshare --net scripts/build.sh "$place/out"
expect "is neither 0 nor 1" env DEBUG=yes scripts/build.sh "$place/out"
echo "no folder" >"$place/file"
expect "cannot make the folder" scripts/build.sh "$place/file"
# Somebody else's folder, for a root that must heed that.
mkdir "$place/of-nobody"
chown nobody "$place/of-nobody"
caps=-dac_override,-dac_read_search
expect "is not for root to write to" setpriv --bounding-set "$caps" --inh-caps "$caps" \
    scripts/build.sh "$place/of-nobody"
expect "there is no apt-get here. Install them" env PATH="$tools" scripts/deps.sh

# A Rust that is too old.
printf '#!/bin/sh\necho "rustc 1.84.1 (of a test)"\n' >"$tools/rustc"
chmod +x "$tools/rustc"
expect "is too old: Rust 1." env RUSTC="$tools/rustc" scripts/build.sh "$place/out"

# No root, says id.
mkdir "$place/nobody"
printf '#!/bin/sh\necho 65534\n' >"$place/nobody/id"
chmod +x "$place/nobody/id"
for script in demo.sh test.sh sandbox.sh; do
    expect "root is needed" env PATH="$place/nobody:$PATH" "scripts/$script" true
done

# A checkout that Postfix's own user cannot enter.
chmod o-x "$place/checkout"
expect "chmod o+x" scripts/sandbox.sh true

cd "$root"
rm -rf "$root/build/errors"
printf 'errors: %s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
