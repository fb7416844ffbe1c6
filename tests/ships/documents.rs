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
        code_is_in_blocks_with_a_language for documents(),
        links_lead_somewhere for documents(),
        nothing_is_left_to_fill_in for documents(),
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
    found.sort();
    found
}

fn read(document: &str) -> Result<String> {
    fs::read_to_string(checkout().join(document)).with_context(|| document.to_owned())
}

/// The lines of the `sh` blocks, without those that are shown elsewhere.
fn commands(document: &str) -> Vec<String> {
    let mut commands = all_commands(document);
    commands.retain(|line| !shown_elsewhere().any(|(_, command)| command == line));
    commands
}

fn all_commands(document: &str) -> Vec<String> {
    let text = read(document).unwrap_or_default();
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter(|line| !line.trim().is_empty());
    lines.map(str::to_owned).collect()
}

/// Blocks that the tests look into.
fn code_is_in_blocks_with_a_language(document: &str) -> Result<()> {
    let text = read(document)?;
    let (mut inside, mut before) = (false, "");
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            inside = !inside;
            ensure!(
                !inside || ["sh", "c", "text", "toml", "make", "rust"].contains(&language),
                "a block is one of sh, c, text, toml, make, rust: {line}"
            );
        }
        ensure!(
            inside || !before.is_empty() || !line.starts_with("    "),
            "put this into a block: {line}"
        );
        before = line;
    }
    Ok(())
}

/// The anchors of a document, as the usual pages make them.
fn anchors(text: &str) -> Vec<String> {
    let slug = |heading: &str| {
        let kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
        let text: String = heading.trim().to_lowercase().chars().filter(kept).collect();
        text.replace(' ', "-")
    };
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| slug(line.trim_start_matches('#'))).collect()
}

fn links_lead_somewhere(document: &str) -> Result<()> {
    let text = read(document)?;
    for link in text.split("](").skip(1) {
        let link = link.split(')').next().unwrap_or_default();
        if link.contains("://") {
            continue;
        }
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let here = checkout().join(document);
        let target = match path {
            "" => here,
            _ => here.with_file_name("").join(path),
        };
        ensure!(target.exists(), "there is no {link}");
        ensure!(
            anchor.is_empty() || anchors(&fs::read_to_string(target)?).iter().any(|a| a == anchor),
            "there is no heading for {link}"
        );
    }
    Ok(())
}

fn nothing_is_left_to_fill_in(document: &str) -> Result<()> {
    let text = read(document)?;
    let open = text.lines().find(|line| line.contains("@@"));
    ensure!(open.is_none(), "{open:?}");
    Ok(())
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
    let everything = read(".ci/run")?;
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

fn make_has_every_target_that_is_named() -> Result<()> {
    let rules = read("Makefile")? + &read("install.mk")?;
    let rules = rules.lines().filter_map(|line| line.split_once(':'));
    let targets: Vec<_> = rules.flat_map(|(names, _)| names.split(' ')).collect();
    for document in documents() {
        for piece in read(&document)?.split("make ").skip(1) {
            let of_another = |letter: char| !(letter.is_ascii_lowercase() || letter == '-');
            let word = piece.split(of_another).next().unwrap_or_default();
            ensure!(
                !piece[word.len()..].starts_with('`') || targets.contains(&word),
                "{document} names `make {word}`, which the Makefile has not"
            );
        }
    }
    Ok(())
}

fn minimum_rust_is_that_of_the_manifest() -> Result<()> {
    let minimum = format!("Rust {} or later", manifest("rust-version")?);
    for document in ["README.md", "docs/packaging.md"] {
        ensure!(read(document)?.contains(&minimum), "{document} does not say `{minimum}`");
    }
    Ok(())
}

/// Or with what is not released yet.
fn changelog_ends_with_this_version() -> Result<()> {
    let text = read("CHANGELOG.md")?;
    let mut headings = text.lines().filter_map(|line| line.strip_prefix("## ["));
    ensure!(headings.next() == Some("Unreleased]"));
    let Some(newest) = headings.next() else { return Ok(()) };
    let version = manifest("version")?;
    let date = newest.strip_prefix(&format!("{version}] - ")).unwrap_or_default();
    ensure!(
        date.len() == 10 && date.split('-').count() == 3,
        "the newest is [{newest}, Cargo.toml has {version}"
    );
    Ok(())
}

fn readme_has_at_most_150_lines() -> Result<()> {
    let lines = read("README.md")?.lines().count();
    ensure!(lines <= 150, "{lines}");
    Ok(())
}
