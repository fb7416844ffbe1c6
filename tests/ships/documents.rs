//! The documents: each command in them is run, each link leads somewhere.

use super::manifest;
use std::fs;
use testenv::prelude::*;

/// Commands of `sh` blocks that are not run here, and what shows them: the
/// beginning of a case's name, a line of .ci/run, or nothing, where the owner
/// alone can do it.
const SHOWN_ELSEWHERE: [(&str, &str); 29] = [
    ("make demo", "postfix::demo"),
    ("make test", "make test"),
    (".ci/run", ""),
    ("make mutants", ""),
    ("make postfix-replace POSTFIX=/path/to/tree", "postfix::replace"),
    ("make postfix-verify POSTFIX=/path/to/tree", "postfix::replace"),
    ("make postfix-restore POSTFIX=/path/to/tree", "postfix::replace"),
    ("make && cp /path/to/master_proto.o src/master/ && make", "postfix::recipes"),
    (
        "/path/to/master_proto/tools/postfix-object verify . /path/to/master_proto.o",
        "postfix::recipes",
    ),
    ("cat /path/to/master_proto/contrib/debian-rules.mk >>debian/rules", "make test-debian"),
    ("sed -i '1s/)/+ours1)/' debian/changelog", "make test-debian"),
    ("MASTER_PROTO=/path/to/master_proto dpkg-buildpackage -us -uc -b", "make test-debian"),
    (
        "MASTER_PROTO=/path/to/master_proto setpriv --bounding-set -sys_time --inh-caps -sys_time dpkg-buildpackage -us -uc -b",
        "make test-debian",
    ),
    ("readelf -n /usr/lib/postfix/libpostfix-master.so", "make test-debian"),
    (
        r#"postconf -e "import_environment=$(postconf -h import_environment) LD_PRELOAD=/usr/local/lib/libmaster_proto.so.1""#,
        "postfix::preload",
    ),
    ("tools/postfix-running /var/spool/postfix", "postfix::preload"),
    ("patch -p1 </path/to/master_proto/contrib/netbsd.patch", "postfix::recipes::netbsd"),
    ("cd external/ibm-public/postfix/lib/masterlib", "postfix::recipes::netbsd"),
    ("make MASTER_PROTO_OBJ=/path/to/master_proto.o", "postfix::recipes::netbsd"),
    (r#"git tag --sign --message "master_proto $version" "v$version""#, ""),
    (r#"git push origin main "v$version""#, ""),
    ("cargo publish --locked", ""),
    // By `make release-check` and `make test-deb`, which fetch.
    ("make deb RELEASE=bookworm", ""),
    ("make deb RELEASE=trixie", ""),
    ("cp -R build/deb/bookworm build/deb/trixie build/release", ""),
    ("cargo publish --dry-run --locked", ""),
    ("tools/system-libc /usr/share/cargo/registry", ""),
    ("dpkg-buildpackage --unsigned-source --unsigned-changes", ""),
    (
        "abidiff -t --suppressions packaging/abi/master_proto.suppr old/libmaster_proto.so.1 new/libmaster_proto.so.1",
        "product::abidiff",
    ),
];

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![
        commands_shown_elsewhere_are_still_shown_there,
        make_has_every_target_that_is_named,
        minimum_rust_is_that_of_the_manifest,
        changelog_ends_with_this_version,
        readme_has_at_most_150_lines,
    ];
    for document in documents() {
        let case = |claim: &str, proof: fn(&str) -> Result<()>| {
            let document = document.clone();
            Case::new(format!("ships::documents::{document}_{claim}"), move || proof(&document))
        };
        cases.push(case("has_code_in_blocks_with_a_language", code_is_in_blocks));
        cases.push(case("links_lead_somewhere", links_lead_somewhere));
        cases.push(case("has_nothing_left_to_fill_in", nothing_to_fill_in));
        if !commands(&document).is_empty() {
            cases.push(case("commands_work", commands_work).limit(300));
        }
    }
    cases
}

/// As paths within the checkout.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["", "docs/"] {
        for entry in fs::read_dir(checkout().join(folder)).into_iter().flatten() {
            let name = entry.map(|entry| entry.file_name().into_string());
            match name {
                Ok(Ok(name)) if name.ends_with(".md") => found.push(format!("{folder}{name}")),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

fn read(document: &str) -> Result<String> {
    fs::read_to_string(checkout().join(document)).with_context(|| document.to_owned())
}

/// The lines of the `sh` blocks, without those that are shown elsewhere.
fn commands(document: &str) -> Vec<String> {
    all_commands(document)
        .into_iter()
        .filter(|line| !SHOWN_ELSEWHERE.iter().any(|(command, _)| command == line))
        .collect()
}

fn all_commands(document: &str) -> Vec<String> {
    let text = read(document).unwrap_or_default();
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside && line.ends_with("```sh");
        } else if inside {
            found.push(line.to_owned());
        }
    }
    found
}

/// Blocks that the tests look into.
fn code_is_in_blocks(document: &str) -> Result<()> {
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

fn nothing_to_fill_in(document: &str) -> Result<()> {
    let text = read(document)?;
    let open: Vec<_> = text.lines().filter(|line| line.contains("@@")).collect();
    ensure!(open.is_empty(), "{open:#?}");
    Ok(())
}

/// One after the other, in a copy with a git of its own, where a commit does no
/// harm.
fn commands_work(document: &str) -> Result<()> {
    clone_checkout(Path::new("/tmp/copy"))?;
    let sh = Shell::new()?;
    sh.change_dir("/tmp/copy");
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "test"),
        ("GIT_AUTHOR_EMAIL", "test@mail.example"),
        ("GIT_COMMITTER_NAME", "test"),
        ("GIT_COMMITTER_EMAIL", "test@mail.example"),
    ] {
        sh.set_var(name, value);
    }
    cmd!(sh, "git init --quiet --initial-branch main").run()?;
    cmd!(sh, "git add .").run()?;
    cmd!(sh, "git commit --quiet --message documents").run()?;
    let script = commands(document).join("\n");
    cmd!(sh, "env -u CARGO_TARGET_DIR sh -euxc {script}").run()?;
    Ok(())
}

fn commands_shown_elsewhere_are_still_shown_there() -> Result<()> {
    let shown: Vec<_> = documents().iter().flat_map(|name| all_commands(name)).collect();
    let everything = read(".ci/run")?;
    let cases = crate::cases();
    for (command, by) in SHOWN_ELSEWHERE {
        ensure!(
            shown.iter().any(|line| line == command),
            "no document says `{command}` any more: take it out of this list"
        );
        ensure!(
            everything.lines().any(|line| line == by)
                || cases.iter().any(|case| case.name().starts_with(by)),
            "neither .ci/run nor a case is called {by}, which shows `{command}`"
        );
    }
    Ok(())
}

fn make_has_every_target_that_is_named() -> Result<()> {
    let rules = read("Makefile")? + &read("install.mk")?;
    let targets: Vec<_> = rules.lines().filter_map(|line| line.split_once(':')).collect();
    let has =
        |target: &str| targets.iter().any(|(names, _)| names.split(' ').any(|name| name == target));
    for document in documents() {
        for piece in read(&document)?.split("make ").skip(1) {
            let mut word =
                piece.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '-'));
            let word = word.next().unwrap_or_default();
            let command = piece[word.len()..].starts_with('`');
            ensure!(
                !command || has(word),
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
    let version = manifest("version")?;
    let Some(newest) = headings.next() else {
        return Ok(());
    };
    let date = newest.strip_prefix(&format!("{version}] - ")).unwrap_or_default();
    let digits = |text: &str| text.len() == 10 && text.split('-').count() == 3;
    ensure!(digits(date), "the newest is [{newest}, Cargo.toml has {version}");
    Ok(())
}

fn readme_has_at_most_150_lines() -> Result<()> {
    let lines = read("README.md")?.lines().count();
    ensure!(lines <= 150, "{lines}");
    Ok(())
}
