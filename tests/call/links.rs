//! A caller links in every way that programs are linked, with Postfix's msg
//! symbols and, with ours, without them.

use testenv::artefacts;
use testenv::harness::{Toolchain, check, named};
use testenv::prelude::*;

const WAYS: [(&str, &str); 5] = [
    ("static", "-O2 -static"),
    ("static_pie", "-O2 -static-pie -fPIE"),
    ("static_pie_with_lto", "-O2 -flto -static-pie -fPIE"),
    ("no_pie", "-O2 -no-pie"),
    ("pie_with_lto", "-O2 -flto -pie -fPIE"),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (way, flags) in WAYS {
        for name in ["original", "original-hardened", "object", "archive"] {
            let implementation = artefacts::named(name);
            cases.push(Case::new(format!("call::links::{way}::{name}"), move || {
                let toolchain = Toolchain::gcc().flags(flags, flags);
                check(&named("caller"), &implementation, &toolchain)?;
                check(&named("caller_without_msg_symbols"), &implementation, &toolchain)?;
                Ok(())
            }));
        }
    }
    cases
}
