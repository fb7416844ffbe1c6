//! The table in docs/platforms.md lists what the tests do.

use crate::machines::{LINKER_FLAGS, LINKERS, LINKS, Machine, PORTABLE};
use crate::systems::SYSTEMS;
use std::collections::BTreeSet;
use tests::prelude::*;

/// What is expected, and not tested, is the document's own.
#[test]
fn platforms_md_lists_what_is_tested() -> Result {
    let page = std::fs::read_to_string(checkout().join("docs/platforms.md"))?;
    ensure!(page.contains(&format!("`{PORTABLE}`")), "docs/platforms.md lists other C tests");
    let documented: BTreeSet<_> = page.lines().flat_map(rows).collect();
    let tested = tested()?;
    let differences: Vec<_> = tested.symmetric_difference(&documented).collect();
    ensure!(
        differences.is_empty(),
        "only in the tests or only in docs/platforms.md: {differences:#?}"
    );
    Ok(())
}

/// A row for each architecture of a row, but for one that says what is expected.
fn rows(line: &str) -> Vec<String> {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    match cells[..] {
        [_, system, architectures, library, rust, references, what, _]
            if what.starts_with("run: ") || what.starts_with("compiled: ") =>
        {
            let row = |one| [system, one, library, rust, references, what].join(" | ");
            architectures.split(", ").map(row).collect()
        }
        _ => Vec::new(),
    }
}

fn tested() -> Result<BTreeSet<String>> {
    let links = LINKS.map(|link| link.name).join(", ");
    let mut rows = BTreeSet::from([
        format!(
            "Linux | amd64 | musl | current | weak | run: {links}, the objects compiled for glibc"
        ),
        format!(
            "Linux | amd64 | glibc | current | weak | run: with {LINKERS}: `{LINKER_FLAGS}`, \
            and `-Wl,-z,defs` for a library from the archive; with `gcc -flto`"
        ),
    ]);
    for machine in Machine::all() {
        let Machine { name, rust, references, .. } = machine;
        let rust = if rust == "minimum" { &manifest("rust-version")? } else { "current" };
        let (one, other) = name.split_once('_').unwrap_or((name, ""));
        rows.insert(if machine.runs() {
            format!("Linux | {one} | glibc | {rust} | {references} | run: {links}")
        } else {
            format!("{one} | {other} | the system's | {rust} | {references} | compiled: the object alone")
        });
    }
    for (system, architecture, _) in SYSTEMS {
        let what = "compiled: the header and the C tests";
        rows.insert(format!("{system} | {architecture} | the system's | - | - | {what}"));
    }
    Ok(rows)
}
