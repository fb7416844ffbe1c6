#!/bin/sh
# Runs the commands in the documents.
#
# Every line of a ```sh block is either run here, in a scratch copy, the blocks
# of one document one after the other; or it is in this list: the command, and
# the suite that shows it, or the target of the Makefile that .ci/run makes;
# "by-hand" is what no test runs here.
# shellcheck disable=SC2317,SC2016 # check calls the functions by name; $version is for the documents
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
. "$root/scripts/checks.sh"
need git cargo cc make unshare

shown_elsewhere='
make demo                                           demo
make test                                           test
.ci/run                                             by-hand
make mutants                                        by-hand
make postfix-replace POSTFIX=/path/to/postfix       postfix-replace
make postfix-verify POSTFIX=/path/to/postfix        postfix-replace
make postfix-restore POSTFIX=/path/to/postfix       postfix-replace
make postfix-replace POSTFIX=/path/to/tree          postfix-replace
make postfix-verify POSTFIX=/path/to/tree           postfix-replace
make postfix-restore POSTFIX=/path/to/tree          postfix-replace
make LIB_OBJ="single_server.o multi_server.o trigger_server.o /path/to/master_proto.o mail_flow.o event_server.o dgram_server.o"  postfix-replace
cat /path/to/master_proto/contrib/debian-rules.mk >>debian/rules  test-debian
MASTER_PROTO=/path/to/master_proto setpriv --bounding-set -sys_time --inh-caps -sys_time dpkg-buildpackage -us -uc -b  test-debian
/path/to/master_proto/tools/postfix-object code debian/postfix/usr/lib/postfix/libpostfix-master.so  test-debian
postconf -e "import_environment=$(postconf -h import_environment) LD_PRELOAD=/usr/local/lib/libmaster_proto.so.1"  preload
tools/postfix-running /var/spool/postfix       preload
patch -p1 </path/to/master_proto/contrib/netbsd.patch  netbsd
cd external/ibm-public/postfix/lib/masterlib        netbsd
make MASTER_PROTO_OBJ=/path/to/master_proto.o       netbsd
git tag --sign --message "master_proto $version" "v$version"  by-hand
git push origin main "v$version"                    by-hand
cargo publish --locked                              by-hand
'
work=$root/build/docs
rm -rf "$work"
mkdir -p "$work/lines"
trap 'rm -rf "$work"' EXIT
cd "$root"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR PREFIX LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR
printf '%s' "$shown_elsewhere" | sed '/^$/d; s/  *[^ ]*$//' >"$work/elsewhere"

# Commands belong in blocks that this test sees.
every_block_says_what_it_is() {
    awk '
        /^ *```/ {
            inside = !inside
            if (inside && $0 !~ /^ *```(sh|c|text|toml|make|rust)$/) {
                print FILENAME ":" FNR ": a block is one of: sh c text toml make rust"
                bad = 1
            }
            next
        }
        inside { next }
        /^    / && blank && !list {
            print FILENAME ":" FNR ": put this into a ``` block, with its language"
            bad = 1
        }
        /^ *([-*]|[0-9]+\.) / { list = 1 }
        /^[^ ]/ && !/^([-*]|[0-9]+\.) / { list = 0 }
        { blank = /^$/ }
        END { exit bad }
    ' "$1"
}

# commands DOCUMENT: the lines of its sh blocks.
commands() {
    awk '/^ *```/ { inside = !inside && /```sh$/; next } inside' "$1"
}

# Its own git, user and configuration, where a commit does no harm.
run_commands() {
    scratch="$work/scratch/$2"
    mkdir -p "$scratch"
    tar -c --exclude=./build --exclude=./target --exclude=./.git . | tar -x -C "$scratch"
    # What cargo would fetch, while there is a network.
    cargo fetch --locked --quiet
    # cbindgen compiles for a minute: once, with what the header suite left.
    scripts/header.sh >/dev/null
    mkdir "$scratch/build"
    cp -a build/header "$scratch/build"
    cd "$scratch"
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
    export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@mail.example
    export GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@mail.example
    unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
    git init --quiet --initial-branch main .
    git add .
    git commit --quiet --message "for the documents"
    # No network: whatever is written there, nothing leaves this machine.
    CARGO_NET_OFFLINE=true unshare --net sh -eux "$1"
}

# It is still in a document, its make target exists, and the suite is one that runs.
shown_by_a_suite() {
    grep -xF -- "$1" "$work/all" || {
        echo "no document has this command any more: take it out of the list in scripts/test-docs.sh"
        return 1
    }
    case $1 in
    "make "[a-z]*)
        make_target=${1#make }
        grep "^${make_target%% *}:.*##" Makefile
        ;;
    esac
    suite_name=$(printf '%s' "$shown_elsewhere" | grep -F -- "$1 " | head -n 1 | sed 's/.* //')
    case $suite_name in
    by-hand) ;;
    *) grep -e "^suite $suite_name " scripts/test.sh || grep -x "make $suite_name" .ci/run ;;
    esac
}

relative_links_lead_somewhere() {
    sed -n 's/](/\n(/gp' "$1" | sed -n 's/^(\([^):#]*\)[#)].*/\1/p' | while read -r link; do
        [ -e "$(dirname "$1")/$link" ] || {
            echo "$1 links to $link, which does not exist"
            return 1
        }
    done
}

changelog_has_this_version() {
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
    newest=$(sed -n 's/^## \[\([0-9.]*\)\] - [0-9]\{4\}-[0-9][0-9]-[0-9][0-9]$/\1/p' CHANGELOG.md | head -n 1)
    grep -x '## \[Unreleased\]' CHANGELOG.md
    if [ "$newest" ] && [ "$newest" != "$version" ]; then
        echo "CHANGELOG.md ends with $newest, Cargo.toml has $version"
        return 1
    fi
}

readme_has_the_table_of_platforms() {
    grep '^|' docs/platforms.md >"$work/platforms"
    [ -s "$work/platforms" ]
    sed -n '/^| System /,/^$/p' README.md | grep '^|' | diff "$work/platforms" -
}
minimum_version_is_named() {
    minimum=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    grep "^Rust ${minimum:?} or later" README.md
    grep "^Rust ${minimum:?} or later" docs/packaging.md
}
check "README.md has the table of docs/platforms.md" readme_has_the_table_of_platforms
check "the documents name the minimum version of Cargo.toml" minimum_version_is_named

: >"$work/all"
for document in *.md docs/*.md; do
    name=$(basename "$document" .md)
    check "$document: each block has a language" every_block_says_what_it_is "$document"
    check "$document: its links lead somewhere" relative_links_lead_somewhere "$document"
    commands "$document" >"$work/lines/$name"
    cat "$work/lines/$name" >>"$work/all"
    grep -vxFf "$work/elsewhere" "$work/lines/$name" >"$work/$name.sh" || :
    if [ -s "$work/$name.sh" ]; then
        check "$document: $(wc -l <"$work/$name.sh") lines of commands run" run_commands "$work/$name.sh" "$name"
    fi
done
while read -r command; do
    check "shown elsewhere: $command" shown_by_a_suite "$command"
done <"$work/elsewhere"
check "CHANGELOG.md has this version" changelog_has_this_version
end_checks docs
