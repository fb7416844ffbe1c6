//! The call, beside C.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    Vec::new()
}
