//! What is only compiled: C for other systems, the object for other processors,
//! and how the object refers to the msg symbols.

use object::{Object, ObjectSymbol};
use std::fs;
use testenv::harness;
use testenv::platforms::{MACHINES, OBJECTS, cmocka_header, folder, zig};
use testenv::prelude::*;

/// System, processor in Debian's words, and what Zig calls both.
pub const SYSTEMS: [(&str, &str, &str); 6] = [
    ("FreeBSD", "amd64", "x86_64-freebsd"),
    ("FreeBSD", "arm64", "aarch64-freebsd"),
    ("NetBSD", "amd64", "x86_64-netbsd"),
    ("OpenBSD", "amd64", "x86_64-openbsd"),
    ("macOS", "amd64", "x86_64-macos"),
    ("macOS", "arm64", "aarch64-macos"),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (_, _, target) in SYSTEMS {
        let name = format!("systems::{target}::header_and_harnesses_compile");
        cases.push(Case::new(name, move || compile_all(target)));
    }
    let objects = MACHINES.map(|machine| (machine.name, machine.strong)).into_iter();
    let objects = objects.chain(OBJECTS.map(|object| (object.target, object.strong)));
    for (name, strong) in objects {
        let kind = if strong { "strong" } else { "weak" };
        let title = format!("systems::{name}::references_are_{kind}");
        cases.push(Case::new(title, move || references(name, strong)));
    }
    cases
}

fn compile_all(target: &str) -> Result<()> {
    let header = checkout().join("include/master_proto.h");
    compile(target, "cc", &["-x", "c", "-std=c89", "-pedantic-errors"], &header)?;
    let mut sources: Vec<_> = harness::ALL.iter().map(|harness| harness.source()).collect();
    sources.sort();
    sources.dedup();
    for source in &sources {
        compile(target, "cc", &[], source)?;
    }
    let caller = harness::named("caller_in_cplusplus").source();
    compile(target, "c++", &["-x", "c++"], &caller)
}

fn compile(target: &str, language: &str, flags: &[&str], source: &Path) -> Result<()> {
    let sh = Shell::new()?;
    sh.set_var("ZIG_GLOBAL_CACHE_DIR", "/tmp/zig");
    sh.set_var("ZIG_LOCAL_CACHE_DIR", "/tmp/zig");
    let (zig, ours, cmocka) = (zig(), checkout().join("include"), cmocka_header());
    let warnings = ["-Wall", "-Wextra", "-Werror"];
    cmd!(sh, "{zig} {language} -target {target} {warnings...} -I {ours} -I {cmocka} {flags...} -c {source} -o /tmp/compiled.o").run()?;
    Ok(())
}

fn references(name: &str, strong: bool) -> Result<()> {
    let data = fs::read(folder(name).join("master_proto.o"))?;
    if name.contains("-apple-") {
        // Mach-O has no weak references of our kind; so the names alone tell.
        for symbol in ["_msg_info", "_msg_verbose"] {
            let there = data.windows(symbol.len()).any(|bytes| bytes == symbol.as_bytes());
            ensure!(there, "the object does not name {symbol}");
        }
        return Ok(());
    }
    let file = object::File::parse(&*data)?;
    for wanted in ["msg_info", "msg_verbose"] {
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok(wanted));
        let symbol = symbol.with_context(|| format!("the object has no symbol {wanted}"))?;
        ensure!(symbol.is_undefined(), "the object defines {wanted}");
        ensure!(symbol.is_weak() != strong, "{wanted}: weak is {}", symbol.is_weak());
    }
    Ok(())
}
