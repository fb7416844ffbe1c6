//! What is only compiled: C for other systems, the object for other processors;
//! and how each object refers to the msg symbols, and says whose code it is.

use testenv::harness;
use testenv::platforms::{MACHINES, OBJECTS, cmocka_header, zig};
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
    let objects = MACHINES.map(|machine| (machine.name, machine.strong)).into_iter();
    let objects = objects.chain(OBJECTS.map(|(_, _, target, strong)| (target, strong)));
    testenv::cases![
        header_and_harnesses_compile for SYSTEMS.map(|(_, _, target)| target),
        object_has_the_documented_references_and_the_note for objects,
    ]
}

fn header_and_harnesses_compile(target: &&str) -> Result<()> {
    let sources = harness::ALL.map(|harness| harness.source().display().to_string());
    let (zig, cmocka, sources) = (zig(), cmocka_header(), sources.join(" "));
    let (zig, cmocka) = (zig.display(), cmocka.display());
    sh!("export ZIG_GLOBAL_CACHE_DIR=/tmp/zig ZIG_LOCAL_CACHE_DIR=/tmp/zig
        compile() {{
            language=$1; shift
            {zig} $language -target {target} -Wall -Wextra -Werror -I include -I {cmocka} \
                -c \"$@\" -o /tmp/compiled.o
        }}
        compile cc -x c -std=c89 -pedantic-errors include/master_proto.h
        for source in $(printf '%s\\n' {sources} | sort -u); do
            compile cc $source
        done
        compile c++ -x c++ c_tests/caller.c")?;
    Ok(())
}

fn object_has_the_documented_references_and_the_note((name, strong): &(&str, bool)) -> Result<()> {
    let object = format!("build/arch/{name}/master_proto.o");
    if name.contains("-apple-") {
        // Mach-O has neither notes nor weak references of our kind; so the names
        // alone tell.
        sh!("for name in _master_notify _msg_info _msg_verbose; do grep -q $name {object}; done
            if grep '\\.note' {object}; then exit 1; fi")?;
        return Ok(());
    }
    let how = if *strong { "GLOBAL" } else { "WEAK" };
    let references =
        sh!("readelf -sW {object} | awk '/ msg_/ {{ print $5, $(NF - 1), $NF }}' | sort")?;
    assert_eq!(references, format!("{how} UND msg_info\n{how} UND msg_verbose"));
    sh!("readelf -nW {object} | grep '  master_proto '")?;
    Ok(())
}
