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
    testenv::cases![caller_links_and_runs for WAYS]
}

fn caller_links_and_runs((_, flags): &(&str, &str)) -> Result<()> {
    let toolchain = Toolchain::gcc().flags(flags, flags);
    for implementation in ["original", "object", "archive"].map(artefacts::named) {
        for harness in ["caller", "caller_without_msg_symbols"].map(named) {
            check(&harness, &implementation, &toolchain)?;
        }
    }
    Ok(())
}
