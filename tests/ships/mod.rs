//! What ships: the installation, the manual pages, the documents, the crate.

mod documents;
mod errors;
mod install;
mod lint;
pub mod man;
mod package;
