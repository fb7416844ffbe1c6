//! What ships.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    Vec::new()
}
