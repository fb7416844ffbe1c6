//! The tests of the tests, for `make mutants`: each mistake of mutants.txt is made
//! in a cell, and the test that it names must turn red. cargo-mutants makes the
//! mistakes that it knows, judged by `cargo test`.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    let mut cases = vec![Case::new("mutants::cargo_mutants_finds_no_survivor", no_survivor)];
    let mut catchers = BTreeSet::new();
    let (mut file, mut catcher) = ("", "");
    let lines = include_str!("mutants.txt").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(mistake) = line.strip_prefix("  ") {
            let (name, edit) = mistake.split_once(' ').expect("a name and an edit");
            cases.push(Case::new(format!("mutants::{name}"), move || {
                is_caught(file, catcher, edit)
            }));
            continue;
        }
        (file, catcher) = line.split_once(' ').expect("a file and a test");
        if catchers.insert(catcher) {
            let name = format!("mutants::passes_without_mistakes::{catcher}");
            cases.push(Case::new(name, move || test(catcher)));
        }
    }
    cases.into_iter().map(|case| case.limit(1200)).collect()
}

/// Makes the mistake and what is built with it, and runs the test.
fn is_caught(file: &str, catcher: &str, edit: &str) -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "cp -p {file} /tmp/mutant").run()?;
    cmd!(sh, "sed -i {edit} /tmp/mutant").run()?;
    sh!("! cmp {file} /tmp/mutant").with_context(|| {
        format!("the edit changes nothing in {file} any more. Mend it in tests/mutants.txt")
    })?;
    sh!("mount --bind /tmp/mutant {file}")?;
    if ["src/", "build.rs", "tools/build"].iter().any(|made| file.starts_with(made)) {
        build_over()?;
    }
    let Err(error) = test(catcher) else { bail!("{catcher} does not catch it") };
    // Where msg symbols are missing, strong references show in the link.
    ensure!(
        catcher.contains("caller_without") || !format!("{error:#}").contains("does not build"),
        "nothing was tested: {error:#}"
    );
    Ok(())
}

/// Builds, and puts what is built in the place of the artefacts.
fn build_over() -> Result<()> {
    sh!("tools/build /tmp/built").context("it does not build: nothing was tested")?;
    sh!("! cmp build/master_proto.o /tmp/built/master_proto.o")
        .context("it gives the same object")?;
    sh!("for name in master_proto.o libmaster_proto.a libmaster_proto.so; do
            mount --bind /tmp/built/$name build/$name
        done")?;
    Ok(())
}

/// Runs a case, or a test of `cargo test`.
fn test(name: &str) -> Result<()> {
    if name.contains("::") {
        let cases = crate::cases();
        let case = cases.iter().find(|case| case.name() == name);
        let case = case.with_context(|| format!("there is no case {name}"))?;
        let result = catch_unwind(AssertUnwindSafe(|| case.prove()));
        return result.unwrap_or_else(|_| bail!("it panics, as above"));
    }
    sh!("cargo test --locked --test notify --no-run").context("it does not build")?;
    let said = sh!("cargo test --locked --test notify -- --exact {name}")?;
    ensure!(said.contains("1 passed"), "there is no test {name}");
    Ok(())
}

/// Each of the two ways to refer to the msg symbols is compiled in one of the
/// runs alone; a mutant survives if neither run catches it.
fn no_survivor() -> Result<()> {
    clone_checkout("/tmp/copy".as_ref())?;
    let weak = missed("/tmp/weak", &[])?;
    let strong = missed("/tmp/strong", &["--features", "strong-msg", "--cargo-arg=--test=notify"])?;
    let elsewhere = lines_for_other_processors()?;
    let mut survivors: Vec<_> = weak.intersection(&strong).collect();
    survivors.retain(|mutant| !elsewhere.iter().any(|line| mutant.starts_with(line)));
    ensure!(survivors.is_empty(), "no test of cargo test catches: {survivors:#?}");
    Ok(())
}

fn missed(out: &str, words: &[&str]) -> Result<BTreeSet<String>> {
    let sh = Shell::new()?;
    let tool = artefact("cargo-mutants/bin/cargo-mutants");
    let options = ["--no-times", "--colors=never", "--timeout=120", "--dir=/tmp/copy"];
    // 2 and 3: some were missed, or took too long, which the lists tell.
    cmd!(sh, "{tool} mutants {options...} --output {out} {words...}").ignore_status().run()?;
    let list = |name: &str| sh.read_file(Path::new(out).join("mutants.out").join(name));
    ensure!(!list("caught.txt")?.is_empty(), "cargo-mutants caught none");
    let missed = list("missed.txt")? + &list("timeout.txt")?;
    Ok(missed.lines().map(str::to_owned).collect())
}

/// What is not compiled here is tested by `make test-arch`: the note where Rust's
/// assembler is not stable. As mutants begin: `src/lib.rs:127:`.
fn lines_for_other_processors() -> Result<Vec<String>> {
    let mut elsewhere = false;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(fs::read_to_string(checkout().join("src/lib.rs"))?.lines()) {
        elsewhere = !line.is_empty() && (elsewhere || line.contains("not(elf_assembler)"));
        if elsewhere {
            lines.push(format!("src/lib.rs:{number}:"));
        }
    }
    Ok(lines)
}
