//! docs/behaviour.md names, for each sentence, tests that exist and run.

use std::collections::BTreeSet;
use std::fs;
use testenv::harness;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![each_sentence_of_the_document_names_tests_that_run]
}

fn each_sentence_of_the_document_names_tests_that_run() -> Result<()> {
    // Parts of the names of cases, and the tests of the harnesses that are cases.
    let cases = crate::cases();
    let parts = cases.iter().flat_map(|case| case.name().split("::"));
    let mut tests: BTreeSet<_> = parts.map(str::to_owned).collect();
    for harness in harness::ALL {
        if tests.contains(harness.name) {
            tests.extend(harness.tests()?);
        }
    }
    let page = fs::read_to_string("docs/behaviour.md")?;
    let sentences: Vec<_> = page.lines().filter(|line| line.starts_with("- ")).collect();
    ensure!(!sentences.is_empty(), "no sentence in docs/behaviour.md");
    for sentence in sentences {
        let named = sentence.strip_suffix("`)").and_then(|text| text.rsplit_once(" (`"));
        let (_, names) = named.with_context(|| format!("no test is named: {sentence}"))?;
        for name in names.split("`, `") {
            ensure!(tests.contains(name), "no test '{name}' runs: {sentence}");
        }
    }
    Ok(())
}
