//! What is built.

mod abi;
mod marks;
pub mod note;
mod rust;

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    [abi::cases(), marks::cases(), note::cases(), rust::cases()]
        .into_iter()
        .flatten()
        .collect()
}
