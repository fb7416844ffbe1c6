//! The table in docs/platforms.md is that of the cases.

use crate::machines::{LINKER_FLAGS, LINKERS, LINKS};
use crate::systems::SYSTEMS;
use testenv::harness::PORTABLE;
use testenv::platforms::{MACHINES, OBJECTS, Rust, minimum_rust};
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![platforms_md_says_what_is_tested]
}

/// What is expected, and not tested, is the document's own.
fn platforms_md_says_what_is_tested() -> Result<()> {
    std::fs::write("/tmp/tested", rows()?)?;
    let harnesses = PORTABLE.join(" ");
    sh!("grep -E '[|] (run|compiled): ' docs/platforms.md | diff -u - /tmp/tested >&2
        grep -F '`{harnesses}`' docs/platforms.md")
    .context("docs/platforms.md does not say what is tested")?;
    Ok(())
}

fn rows() -> Result<String> {
    let minimum = minimum_rust()?;
    let links = LINKS.map(|link| link.name).join(", ");
    // Rows that are the same but for the processor are one.
    let mut rows: Vec<(&str, Vec<&str>, String)> = Vec::new();
    let mut add = |system, processor, rest: String| match rows
        .iter_mut()
        .find(|row| row.0 == system && row.2 == rest)
    {
        Some(row) => row.1.push(processor),
        None => rows.push((system, vec![processor], rest)),
    };
    let reference = |strong| if strong { "strong" } else { "weak" };
    for machine in &MACHINES {
        let processor = machine.name.split('-').next().unwrap_or_default();
        let rust = if machine.rust == Rust::Minimum { &minimum } else { "current" };
        let references = reference(machine.strong);
        add("Linux", processor, format!("glibc | {rust} | {references} | run: {links}"));
    }
    let rest = format!("musl | current | weak | run: {links}, all of the object made for glibc");
    add("Linux", "amd64", rest);
    let linkers = LINKERS.join(", ");
    let flags = format!("`{LINKER_FLAGS}`, and `-Wl,-z,defs` for a library out of the archive");
    let rest = format!("run: with {linkers}: {flags}; with `gcc -flto`");
    add("Linux", "amd64", format!("glibc | current | weak | {rest}"));
    for (system, processor, _) in SYSTEMS {
        let rest = "the system's | - | - | compiled: the header and all harnesses";
        add(system, processor, rest.to_owned());
    }
    for (system, processor, _, strong) in OBJECTS {
        let references = reference(strong);
        let rest = format!("the system's | current | {references} | compiled: the object alone");
        add(system, processor, rest);
    }
    let row = |(system, processors, rest): &(&str, Vec<&str>, String)| {
        format!("| {system} | {} | {rest} |\n", processors.join(", "))
    };
    Ok(rows.iter().map(row).collect())
}
