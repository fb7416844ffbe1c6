//! What is built.

mod abi;
mod abidiff;
mod marks;
pub mod note;
mod reproducible;
mod rust;

/// The linkers that a user may have.
const LINKERS: [&str; 4] = ["bfd", "gold", "lld", "mold"];

pub fn cases() -> Vec<testenv::runner::Case> {
    testenv::topics![abi, abidiff, marks, note, reproducible, rust]
}
