//! `make release-check`: docs/release.md, done in a copy up to what cannot be
//! taken back.

use crate::prelude::*;
use crate::progress::Progress;
use std::fs;

/// The page, as far as it goes.
const LAST: &str = "What follows cannot be taken back";
/// Hours of work that tell nothing new of a release; a maintainer runs them.
const NOT_HERE: [&str; 3] = [".ci/run", "make mutants", "make test-deb "];
const IN_THE_END: &str = r#"
places=$(grep -rlF "$version" Cargo.toml Cargo.lock man CHANGELOG.md packaging/debian/changelog)
[ $(echo "$places" | wc -l) -eq 6 ]
[ -z "$(git status --porcelain)" ]
git describe --exact-match
cd build/release
sha256sum -c SHA256SUMS
"#;

/// Does it for a version.
pub fn check(version: &str) -> Result<()> {
    let numbers: Vec<_> = version.split('.').collect();
    ensure!(
        numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok()),
        "VERSION={version} is no version such as 1.0.0. Usage: make release-check VERSION=1.0.0"
    );
    crate::deb::refuse_unclean()?;
    let page = fs::read_to_string(checkout().join("docs/release.md"))?;
    let (page, _) = page
        .split_once(LAST)
        .with_context(|| format!("docs/release.md does not say \"{LAST}\""))?;
    let mut progress = Progress::start("release-check", false)?;
    let copy = checkout().join("build/release-check");
    let sh = Shell::new()?;
    progress.step("copy the checkout", || {
        sh.remove_path(&copy)?;
        clone_checkout(&copy)?;
        crate::bare::commit_all(&copy)?;
        // Bare systems are the same, whoever asks for them.
        sh.create_dir(checkout().join("build/bare"))?;
        sh.create_dir(copy.join("build"))?;
        Ok(std::os::unix::fs::symlink("../../bare", copy.join("build/bare"))?)
    })?;
    sh.change_dir(&copy);
    let run = |script: &str| {
        let script = format!(
            "unset CARGO_TARGET_DIR CARGO_MANIFEST_DIR MAKEFLAGS MAKELEVEL
            export GIT_CONFIG_GLOBAL=/dev/null version={version}
            {script}"
        );
        Ok(cmd!(sh, "sh -euxc {script}").run()?)
    };
    let blocks: Vec<_> = page.split("```sh\n").skip(1).collect();
    ensure!(blocks.len() > 5, "docs/release.md has no blocks of commands any more");
    for block in blocks {
        let commands = block.split("```").next().unwrap_or_default().lines();
        let is_left_out = |line: &&str| {
            line.starts_with("version=") || NOT_HERE.iter().any(|one| line.starts_with(one))
        };
        let lines: Vec<_> = commands.filter(|line| !is_left_out(line)).collect();
        let Some(first) = lines.first() else { continue };
        // The owner's key is not here.
        let script = lines.join("\n").replace("git tag --sign", "git tag --annotate");
        progress.step(first, || run(&script))?;
    }
    progress
        .step("the version stands in every place, and the checksums hold", || run(IN_THE_END))?;
    progress.say("what is left to do is the last block of docs/release.md")
}
