//! What is built.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![checkout_is_read_only]
}

fn checkout_is_read_only() -> Result<()> {
    ensure!(std::fs::write(checkout().join("README.md"), "").is_err());
    Ok(())
}
