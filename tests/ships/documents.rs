//! The documents: each command in them is run, each link leads somewhere.

use std::fs;
use testenv::prelude::*;

/// Commands of `sh` blocks that are not run here, after what shows them: the
/// beginning of a case's name; a line of .ci/run; or "-", where the owner alone can
/// do it, or a target that fetches does.
const SHOWN_ELSEWHERE: &str = r#"
postfix::demo | make demo
make test | make test
- | .ci/run
- | make mutants
postfix::replace | make postfix-replace POSTFIX=/path/to/tree
postfix::replace | make postfix-verify POSTFIX=/path/to/tree
postfix::replace | make postfix-restore POSTFIX=/path/to/tree
postfix::recipes | make && cp /path/to/master_proto.o src/master/ && make
postfix::recipes | /path/to/master_proto/tools/postfix-object verify . /path/to/master_proto.o
make test-debian | cat /path/to/master_proto/contrib/debian-rules.mk >>debian/rules
make test-debian | sed -i '1s/)/+ours1)/' debian/changelog
make test-debian | MASTER_PROTO=/path/to/master_proto dpkg-buildpackage -us -uc -b
make test-debian | MASTER_PROTO=/path/to/master_proto setpriv --bounding-set -sys_time --inh-caps -sys_time dpkg-buildpackage -us -uc -b
make test-debian | readelf -n /usr/lib/postfix/libpostfix-master.so
postfix::preload | postconf -e "import_environment=$(postconf -h import_environment) LD_PRELOAD=/usr/local/lib/libmaster_proto.so.1"
postfix::preload | tools/postfix-running /var/spool/postfix
postfix::recipes::netbsd | patch -p1 </path/to/master_proto/contrib/netbsd.patch
postfix::recipes::netbsd | cd external/ibm-public/postfix/lib/masterlib
postfix::recipes::netbsd | make MASTER_PROTO_OBJ=/path/to/master_proto.o
- | git tag --sign --message "master_proto $version" "v$version"
- | git push origin main "v$version"
- | cargo publish --locked
- | make test-deb RELEASE=bookworm
- | make test-deb RELEASE=trixie
- | make deb RELEASE=bookworm
- | make deb RELEASE=trixie
- | cp -R build/deb/bookworm build/deb/trixie build/release
- | cargo publish --dry-run --locked
- | tools/system-libc /usr/share/cargo/registry
- | dpkg-buildpackage --unsigned-source --unsigned-changes
product::abidiff | abidiff -t --suppressions packaging/abi/master_proto.suppr old/libmaster_proto.so.1 new/libmaster_proto.so.1
"#;

fn shown_elsewhere() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHOWN_ELSEWHERE.lines().filter_map(|line| line.split_once(" | "))
}

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![
        commands_shown_elsewhere_are_still_shown_there,
        make_has_every_target_that_is_named,
        minimum_rust_is_that_of_the_manifest,
        changelog_ends_with_this_version,
        readme_has_at_most_150_lines,
        code_is_in_blocks_with_a_language,
        links_lead_somewhere,
        nothing_is_left_to_fill_in,
    ];
    let with_commands = documents().into_iter().filter(|name| !commands(name).is_empty());
    cases.extend(slow(testenv::cases![commands_work for with_commands]));
    cases
}

/// As paths within the checkout; none before that is there.
fn documents() -> Vec<String> {
    let below = |folder: &str| -> Vec<_> {
        let entries = fs::read_dir(checkout().join(folder)).into_iter().flatten().flatten();
        entries.map(|entry| format!("{folder}{}", entry.file_name().to_string_lossy())).collect()
    };
    let mut found = ["", "docs/"].map(below).concat();
    found.retain(|name| name.ends_with(".md"));
    found
}

/// The lines of the `sh` blocks, without those that are shown elsewhere.
fn commands(document: &str) -> Vec<String> {
    let mut commands = all_commands(document);
    commands.retain(|line| !shown_elsewhere().any(|(_, command)| command == line));
    commands
}

fn all_commands(document: &str) -> Vec<String> {
    let text = fs::read_to_string(checkout().join(document)).unwrap_or_default();
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter(|line| !line.trim().is_empty());
    lines.map(str::to_owned).collect()
}

/// One after the other, in a copy with a git of its own, where a commit does no
/// harm.
fn commands_work(document: &str) -> Result<()> {
    clone_checkout(Path::new("/tmp/copy"))?;
    let commands = commands(document).join("\n");
    sh!("cd /tmp/copy
        export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
        export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@mail.example
        export GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@mail.example
        git init --quiet --initial-branch main
        git add .
        git commit --quiet --message documents
        unset CARGO_TARGET_DIR
        {commands}")?;
    Ok(())
}

fn commands_shown_elsewhere_are_still_shown_there() -> Result<()> {
    let shown: Vec<_> = documents().iter().flat_map(|name| all_commands(name)).collect();
    let everything = fs::read_to_string(checkout().join(".ci/run"))?;
    let cases = crate::cases();
    for (by, command) in shown_elsewhere() {
        ensure!(
            shown.iter().any(|line| line == command),
            "no document says `{command}` any more: take it out of this list"
        );
        ensure!(
            by == "-"
                || everything.lines().any(|line| line == by)
                || cases.iter().any(|case| case.name().starts_with(by)),
            "neither .ci/run nor a case is called {by}, which shows `{command}`"
        );
    }
    Ok(())
}

/// A script that prints what is wrong in the documents, which is nothing.
fn finds_nothing(script: &str) -> Result<()> {
    let found = sh!("{script}")?;
    ensure!(found.is_empty(), "{found}");
    Ok(())
}

/// Blocks that the tests look into.
fn code_is_in_blocks_with_a_language() -> Result<()> {
    finds_nothing(
        r#"awk '
            FNR == 1 { inside = 0; before = "text" }
            /^ *```/ {
                inside = !inside
                if (inside && $1 !~ /^```(sh|c|text|toml|make|rust)$/)
                    print FILENAME ": a block is one of sh, c, text, toml, make, rust: " $0
            }
            !inside && before == "" && /^    / { print FILENAME ": put this into a block: " $0 }
            { before = $0 }' *.md docs/*.md"#,
    )
}

/// To a file, and to a heading by the anchor that the usual pages make of it.
fn links_lead_somewhere() -> Result<()> {
    finds_nothing(
        r#"for document in *.md docs/*.md; do
            for link in $(grep -o '](.[^)]*)' $document | sed 's/^](//; s/)$//' | grep -v ://); do
                path=$document
                case $link in [!#]*) path=$(dirname $document)/${link%%#*} ;; esac
                if ! [ -e $path ]; then
                    echo "$document: there is no $link"
                elif ! [ $link = ${link%#*} ]; then
                    sed -n 's/^##* *//p' $path | tr A-Z a-z | tr ' ' - | tr -cd 'a-z0-9_\n-' |
                        grep -qx -e "${link#*#}" || echo "$document: there is no heading for $link"
                fi
            done
        done"#,
    )
}

fn nothing_is_left_to_fill_in() -> Result<()> {
    finds_nothing("grep -n @@ *.md docs/*.md || :")
}

fn make_has_every_target_that_is_named() -> Result<()> {
    finds_nothing(
        r#"sed -n 's/^\([a-z -]*\):.*/\1/p' Makefile install.mk | tr ' ' '\n' >/tmp/targets
        grep -ohE 'make [a-z-]+`' *.md docs/*.md | sed 's/make //; s/`//' | grep -vxFf /tmp/targets || :"#,
    )
}

fn minimum_rust_is_that_of_the_manifest() -> Result<()> {
    let minimum = format!("Rust {} or later", manifest("rust-version")?);
    sh!("grep '{minimum}' README.md; grep '{minimum}' docs/packaging.md")?;
    Ok(())
}

/// Or with what is not released yet.
fn changelog_ends_with_this_version() -> Result<()> {
    let version = manifest("version")?;
    sh!(
        "grep '^## \\[' CHANGELOG.md | head -n 2 >/tmp/newest
        sed -n 1p /tmp/newest | grep -xF '## [Unreleased]'
        test $(wc -l </tmp/newest) = 1 ||
            sed -n 2p /tmp/newest | grep -xE '## \\[{version}] - [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'"
    )?;
    Ok(())
}

fn readme_has_at_most_150_lines() -> Result<()> {
    sh!("test $(wc -l <README.md) -le 150")?;
    Ok(())
}
