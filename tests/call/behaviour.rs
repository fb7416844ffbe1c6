//! docs/behaviour.md names, for each sentence, tests that exist and run.

use std::collections::BTreeSet;
use testenv::harness;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![each_sentence_of_the_document_names_tests_that_run]
}

fn each_sentence_of_the_document_names_tests_that_run() -> Result<()> {
    let sh = Shell::new()?;
    let page = sh.read_file(checkout().join("docs/behaviour.md"))?;
    let tests = tests()?;
    let mut sentences = 0;
    for sentence in page.lines().filter(|line| line.starts_with("- ")) {
        let named = sentence.strip_suffix("`)").and_then(|text| text.rsplit_once(" (`"));
        let (_, names) = named.with_context(|| format!("no test is named: {sentence}"))?;
        for name in names.split("`, `") {
            ensure!(tests.contains(name), "no test '{name}' runs: {sentence}");
        }
        sentences += 1;
    }
    ensure!(sentences > 0, "no sentence in docs/behaviour.md");
    Ok(())
}

/// Parts of the names of cases, and the tests of the harnesses that are cases.
fn tests() -> Result<BTreeSet<String>> {
    let cases = crate::cases();
    let parts = cases.iter().flat_map(|case| case.name().split("::"));
    let mut tests: BTreeSet<_> = parts.map(str::to_owned).collect();
    for harness in harness::ALL {
        if tests.contains(harness.name) {
            tests.extend(harness.tests()?);
        }
    }
    Ok(tests)
}
