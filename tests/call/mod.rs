//! The call, beside C.

mod harnesses;

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    harnesses::cases()
}
