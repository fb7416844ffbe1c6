//! What the build produces.

mod abi;
mod abidiff;
mod branch_protection;
mod environments;
pub mod note;
mod reproducible;
mod rust;
mod service_crate;

/// The linkers that a user may have.
const LINKERS: [&str; 4] = ["bfd", "gold", "lld", "mold"];
