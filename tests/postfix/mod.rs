//! Inside a real Postfix.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    Vec::new()
}
