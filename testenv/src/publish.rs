//! `make release-check`: docs/release.md, done in a copy up to what cannot be
//! taken back.

use crate::prelude::*;
use crate::progress::Progress;
use std::fs;

/// The page, as far as it goes.
const LAST: &str = "What follows cannot be taken back";
/// Hours of work that tell nothing new of a release; a maintainer runs them.
const NOT_HERE: [&str; 3] = [".ci/run", "make mutants", "make test-deb "];

/// Does it for a version.
pub fn check(version: &str) -> Result<()> {
    let numbers: Vec<_> = version.split('.').collect();
    ensure!(
        numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok()),
        "VERSION={version} is no version such as 1.0.0. Usage: make release-check VERSION=1.0.0"
    );
    crate::deb::refuse_unclean()?;
    crate::deb::version()?;
    let page = fs::read_to_string(crate::checkout().join("docs/release.md"))?;
    let (page, _) = page
        .split_once(LAST)
        .with_context(|| format!("docs/release.md does not say \"{LAST}\""))?;
    let mut progress = Progress::start("release-check", false)?;
    let copy = crate::checkout().join("build/release-check");
    let sh = Shell::new()?;
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "release-check"),
        ("GIT_AUTHOR_EMAIL", "nobody"),
        ("GIT_COMMITTER_NAME", "release-check"),
        ("GIT_COMMITTER_EMAIL", "nobody"),
    ] {
        sh.set_var(name, value);
    }
    progress.step("copy the checkout", || {
        if copy.exists() {
            fs::remove_dir_all(&copy)?;
        }
        crate::clone_checkout(&copy)?;
        sh.change_dir(&copy);
        cmd!(sh, "git init --quiet --initial-branch main").run()?;
        cmd!(sh, "git add --all").run()?;
        Ok(cmd!(sh, "git commit --quiet --message copy").run()?)
    })?;
    // Bare systems are the same, whoever asks for them.
    let bare = crate::checkout().join("build/bare");
    fs::create_dir_all(&bare)?;
    fs::create_dir_all(copy.join("build"))?;
    std::os::unix::fs::symlink(&bare, copy.join("build/bare"))?;
    let blocks: Vec<_> = page.split("```sh\n").skip(1).collect();
    ensure!(blocks.len() > 5, "docs/release.md has no blocks of commands any more");
    for block in blocks {
        let commands = block.split("```").next().unwrap_or_default().trim_end();
        let lines: Vec<_> = commands
            .lines()
            .filter(|line| !NOT_HERE.iter().any(|one| line.starts_with(one)))
            .collect();
        let Some(first) = lines.first().filter(|line| !line.starts_with("version=")) else {
            continue;
        };
        // The owner's key is not here.
        let script = lines.join("\n").replace("git tag --sign", "git tag --annotate");
        let script = format!("version={version}\n{script}");
        progress.step(first, || {
            let run = cmd!(sh, "env -u CARGO_TARGET_DIR -u CARGO_MANIFEST_DIR -u MAKEFLAGS -u MAKELEVEL sh -euxc {script}");
            Ok(run.run()?)
        })?;
    }
    progress.step("the version stands in every place, and the checksums hold", || {
        let script = "grep -rlF \"$version\" Cargo.toml Cargo.lock man CHANGELOG.md packaging/debian/changelog \
                      | sort >build/places; cat build/places; [ $(wc -l <build/places) -eq 6 ]
                      [ -z \"$(git status --porcelain)\" ]; git describe --exact-match
                      cd build/release; sha256sum -c SHA256SUMS";
        let script = format!("version={version}\n{script}");
        Ok(cmd!(sh, "sh -euxc {script}").run()?)
    })?;
    progress.say("what is left to do is the last block of docs/release.md")
}
