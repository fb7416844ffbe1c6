//! `docs/platforms.md` is written from the tables that the cases are made from.

use crate::machines::{LINKER_FLAGS, LINKERS, LINKS};
use crate::systems::SYSTEMS;
use testenv::harness::PORTABLE;
use testenv::platforms::{MACHINES, OBJECTS, Rust, minimum_rust};
use testenv::prelude::*;
use testenv::runner::keep_if_failed;

pub fn cases() -> Vec<Case> {
    testenv::cases![platforms_md_says_what_is_tested]
}

fn platforms_md_says_what_is_tested() -> Result<()> {
    std::fs::write("/tmp/platforms.md", text()?)?;
    keep_if_failed(Path::new("/tmp/platforms.md"))?;
    sh!("diff -u docs/platforms.md /tmp/platforms.md >&2").context(
        "docs/platforms.md is not what is tested. If that is right, copy the file that is named below to docs/",
    )?;
    Ok(())
}

fn text() -> Result<String> {
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
    Ok(format!(
        "# Platforms

What `make test-arch` does where. It compares this file with the tables that its tests are made from.

- **run**: these C harnesses, on the C original first, compiled by the same compiler, for musl by that
  for glibc: `{}`.
  Processors other than amd64 are emulated by qemu-user. `make test` runs all harnesses, on amd64.
- **compiled**: compiled only, the C sources by `zig cc`; nothing is linked or run.
- **expected**: nothing was tried. It follows from how `build.rs` chooses.

Rust {minimum} is the minimum; *current* is the one installed, or Debian's newest. With *weak* references
to `msg_verbose` and `msg_info` a program may lack both; with *strong* ones it must define them,
as for the C original, and that it does not link otherwise is part of the test.

| System | Processors | C library | Rust | References | What is done |
|---|---|---|---|---|---|
{}\
| FreeBSD, NetBSD, OpenBSD | those above | the system's | - | weak | expected: the library |
| Linux | loongarch64, riscv32 | any | current | weak | expected: the library |
| Linux | SPARC, other MIPS | any | current | strong | expected: the library |
| macOS | amd64 | the system's | - | strong | expected: the object |
",
        PORTABLE.join(" "),
        rows.iter().map(row).collect::<String>()
    ))
}
