//! The documents: each command in them is run, each link leads somewhere.
//!
//! A block of commands that is not run here has a comment above it that names who
//! runs it: `<!-- run by NAME -->`.

use std::fs;
use tests::prelude::*;

/// The `sh` blocks of a document: who runs each, if not this file's test, and its commands.
fn blocks(document: &str) -> Result<Vec<(Option<String>, String)>> {
    let text = fs::read_to_string(checkout().join(document))?;
    let parts: Vec<_> = text.split("```sh\n").collect();
    let block = |pair: &[&str]| {
        let above = pair[0].trim_end().lines().last().unwrap_or_default();
        let by = above.strip_prefix("<!-- run by ").and_then(|rest| rest.strip_suffix(" -->"));
        let commands = pair[1].split("```").next().unwrap_or_default();
        (by.map(str::to_owned), commands.to_owned())
    };
    Ok(parts.windows(2).map(block).collect())
}

fn documents() -> Result<Vec<String>> {
    Ok(script("ls *.md docs/*.md")?.lines().map(str::to_owned).collect())
}

/// One after the other, in a copy with a git of its own, where a commit does no harm.
#[test]
fn commands_work() -> Result {
    sandbox_for(600, || {
        for document in documents()? {
            let blocks = blocks(&document)?;
            let here: String =
                blocks.into_iter().filter(|(by, _)| by.is_none()).map(|(_, text)| text).collect();
            if here.is_empty() {
                continue;
            }
            clone_checkout(&scratch().join(&document))?;
            sh!("cd $TMPDIR/{document}
                export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
                export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@mail.example
                export GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@mail.example
                git init --quiet --initial-branch main
                git add .
                git commit --quiet --message documents
                unset CARGO_TARGET_DIR
                {here}")
            .with_context(|| format!("a command of {document} fails"))?;
        }
        Ok(())
    })
}

/// The beginning of a test's name, a make target, or the maintainer, who alone can do
/// some of it.
#[test]
fn commands_that_others_run_are_run() -> Result {
    sandbox(|| {
        let this = std::env::current_exe()?;
        let known = sh!(
            "'{}' --list
            sed -n 's/^\\([a-z-]*\\):.*##.*/make \\1/p' Makefile
            echo the maintainer",
            this.display()
        )?;
        for document in documents()? {
            for (by, commands) in blocks(&document)? {
                let Some(by) = by else { continue };
                ensure!(
                    known.lines().any(|line| line.starts_with(&by)),
                    "{document}: no test and no make target is called {by}, which runs:\n{commands}"
                );
            }
        }
        Ok(())
    })
}

/// Runs a script that prints what is wrong in the documents: nothing.
fn finds_nothing(text: &str) -> Result {
    sandbox(|| {
        let found = script(text)?;
        ensure!(found.is_empty(), "{found}");
        Ok(())
    })
}

/// Of a language for which the tests know what to do.
#[test]
fn code_is_in_blocks_with_a_language() -> Result {
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

/// To a file, and to a heading by the anchor that the usual renderers make of it.
#[test]
fn links_lead_somewhere() -> Result {
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

#[test]
fn nothing_is_left_to_fill_in() -> Result {
    finds_nothing("grep -n @@ *.md docs/*.md || :")
}

#[test]
fn make_has_every_target_that_is_named() -> Result {
    finds_nothing(
        r#"sed -n 's/^\([a-z -]*\):.*/\1/p' Makefile | tr ' ' '\n' >$TMPDIR/targets
        grep -ohE 'make [a-z-]+`' *.md docs/*.md | sed 's/make //; s/`//' |
            grep -vxFf $TMPDIR/targets || :"#,
    )
}

#[test]
fn minimum_rust_is_that_of_the_manifest() -> Result {
    sandbox(|| {
        let minimum = format!("Rust {} or later", manifest("rust-version")?);
        sh!("grep '{minimum}' README.md; grep '{minimum}' docs/packaging.md")
    })
}

/// Or with what is not released yet.
#[test]
fn changelog_ends_with_this_version() -> Result {
    sandbox(|| {
        let version = manifest("version")?;
        sh!("grep '^## \\[' CHANGELOG.md | head -n 2 >$TMPDIR/newest
            sed -n 1p $TMPDIR/newest | grep -xF '## [Unreleased]'
            test $(wc -l <$TMPDIR/newest) = 1 || sed -n 2p $TMPDIR/newest |
                grep -xE '## \\[{version}] - [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}'")
    })
}

#[test]
fn readme_has_at_most_150_lines() -> Result {
    sandbox(|| script("test $(wc -l <README.md) -le 150"))
}
