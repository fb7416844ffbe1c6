//! What is built.

mod abi;
mod abidiff;
mod generated;
mod marks;
pub mod note;
mod reproducible;
mod rust;

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    [
        abi::cases(),
        abidiff::cases(),
        generated::cases(),
        marks::cases(),
        note::cases(),
        reproducible::cases(),
        rust::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
