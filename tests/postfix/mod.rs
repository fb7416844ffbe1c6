//! Inside a real Postfix.

mod system;

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    system::cases()
}
