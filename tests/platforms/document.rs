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
    let generated = scratch().join("platforms.md");
    std::fs::write(&generated, text()?)?;
    let committed = checkout().join("docs/platforms.md");
    keep_if_failed(&generated)?;
    let sh = Shell::new()?;
    cmd!(sh, "diff -u {committed} {generated}").run().context(
        "docs/platforms.md is not what is tested. If that is right, copy the file that is named below to docs/",
    )
}

fn reference(strong: bool) -> &'static str {
    if strong { "strong" } else { "weak" }
}

fn text() -> Result<String> {
    let minimum = minimum_rust()?;
    let mut rows = Vec::new();
    let mut row = |cells: [&str; 7]| rows.push(format!("| {} |\n", cells.join(" | ")));
    let links = LINKS.map(|link| link.name).join(", ");
    for machine in &MACHINES {
        let rust = match machine.rust {
            Rust::Minimum => &minimum,
            Rust::Newest | Rust::Installed => "current",
        };
        let strong = reference(machine.strong);
        row(["Linux", machine.processor, "glibc", rust, strong, &links, "run"]);
    }
    let of_glibc = format!("{links}, all of the object made for glibc");
    row(["Linux", "amd64", "musl", "current", "weak", &of_glibc, "run"]);
    let by_linker = format!(
        "with {}: `{}`, `-z defs`; with `gcc -flto`",
        LINKERS.join(", "),
        LINKER_FLAGS.join("`, `")
    );
    row(["Linux", "amd64", "glibc", "current", "weak", &by_linker, "run"]);
    for (system, processor, _) in SYSTEMS {
        let what = "the header and all harnesses";
        row([system, processor, "the system's", "-", "-", what, "compiled"]);
    }
    for object in &OBJECTS {
        let strong = reference(object.strong);
        let what = "the object alone";
        row([object.system, object.processor, "the system's", "current", strong, what, "compiled"]);
    }
    // What follows from the choices of build.rs alone.
    let expected = [
        ["FreeBSD, NetBSD, OpenBSD", "those above", "the system's", "-", "weak", "the library"],
        ["Linux", "loongarch64, riscv32", "any", "current", "weak", "the library"],
        ["Linux", "SPARC, other MIPS", "any", "current", "strong", "the library"],
        ["macOS", "amd64", "the system's", "-", "strong", "the object"],
    ];
    for [system, processor, library, rust, strong, what] in expected {
        row([system, processor, library, rust, strong, what, "expected"]);
    }
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

| System | Processor | C library | Rust | References | Links | What is done |
|---|---|---|---|---|---|---|
{}",
        PORTABLE.join(" "),
        rows.concat()
    ))
}
