//! Each sentence of docs/behaviour.md and docs/services.md names tests that exist and
//! run, or a source file of Postfix.

use std::collections::BTreeSet;
use std::fs;
use tests::prelude::*;

#[test]
fn each_sentence_of_the_document_names_tests_that_run() -> Result {
    sandbox(|| {
        // Parts of the names of tests: topics, functions, C tests.
        let program = std::env::current_exe()?;
        let listed = sh!("'{}' --list | sed -n 's/: test$//p'", program.display())?;
        let parts = listed.lines().flat_map(|name| name.split("::"));
        let mut tests: BTreeSet<_> = parts.map(str::to_owned).collect();
        // The compiler refuses a function of these that cmocka does not run.
        for name in sh!("make --silent -C c_tests names")?.lines() {
            let run = format!("call::c_tests::object::{name}");
            ensure!(listed.lines().any(|test| test == run), "no test runs {run}");
            let source = fs::read_to_string(format!("c_tests/{name}.c")).unwrap_or_default();
            let calls = source.split("cmocka_unit_test(").skip(1);
            tests.extend(calls.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
        }
        for version in ["source", "newest-source"] {
            let files = sh!("cd {}/src; ls */*.c | sed 's|.*/||'", tree(version).display())?;
            tests.extend(files.lines().map(str::to_owned));
        }
        for document in ["docs/behaviour.md", "docs/services.md"] {
            let page = fs::read_to_string(document)?;
            let sentences: Vec<_> = page.lines().filter(|line| line.starts_with("- ")).collect();
            ensure!(!sentences.is_empty(), "no sentence in {document}");
            for sentence in sentences {
                let named = sentence.strip_suffix("`)").and_then(|text| text.rsplit_once(" (`"));
                let (_, names) = named.with_context(|| format!("no test is named: {sentence}"))?;
                for name in names.split("`, `") {
                    ensure!(tests.contains(name), "no test or source file '{name}': {sentence}");
                }
            }
        }
        Ok(())
    })
}
