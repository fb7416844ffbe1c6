//! What is only compiled: C for other systems, the object for other architectures; and
//! how each object refers to the msg symbols and names this code.

use crate::machines::Machine;
use tests::prelude::*;

/// System, architecture in Debian's words, and what Zig calls both.
pub const SYSTEMS: [(&str, &str, &str); 6] = [
    ("FreeBSD", "amd64", "x86_64-freebsd"),
    ("FreeBSD", "arm64", "aarch64-freebsd"),
    ("NetBSD", "amd64", "x86_64-netbsd"),
    ("OpenBSD", "amd64", "x86_64-openbsd"),
    ("macOS", "amd64", "x86_64-macos"),
    ("macOS", "arm64", "aarch64-macos"),
];

#[test]
fn header_and_c_tests_compile() -> Result {
    sandbox_for(600, || {
        for (_, _, target) in SYSTEMS {
            sh!("export ZIG_GLOBAL_CACHE_DIR=$TMPDIR/zig ZIG_LOCAL_CACHE_DIR=$TMPDIR/zig
                zig=../build/arch/zig/ziglang/zig
                make --silent -C c_tests header compile OUT=$TMPDIR C_STANDARDS=c89 CXX_STANDARDS=c++98 \
                    CC=\"$zig cc -target {target}\" CXX=\"$zig c++ -target {target}\" \
                    CFLAGS='-I ../build/arch/cmocka/include'")?;
        }
        Ok(())
    })
}

#[test]
fn object_has_the_documented_references_and_the_note() -> Result {
    sandbox(|| {
        for Machine { name, references, .. } in Machine::all() {
            let object = format!("build/arch/{name}/master_proto.o");
            if name.starts_with("macOS") {
                // Mach-O has neither notes nor weak references of our kind, so only the names.
                sh!("for name in _master_notify _msg_info _msg_verbose; do grep -q $name {object}; done
                    if grep '\\.note' {object}; then exit 1; fi")?;
                continue;
            }
            let how = if references == "strong" { "GLOBAL" } else { "WEAK" };
            let found =
                sh!("readelf -sW {object} | awk '/ msg_/ {{ print $5, $(NF - 1), $NF }}' | sort")?;
            assert_eq!(found, format!("{how} UND msg_info\n{how} UND msg_verbose"), "{name}");
            sh!("readelf -nW {object} | grep '  master_proto '")?;
        }
        Ok(())
    })
}
