//! What ships: the installation, the manual pages, the documents, the crate.

mod documents;
mod errors;
mod install;
mod lint;
pub mod man;
mod package;

pub fn cases() -> Vec<testenv::runner::Case> {
    testenv::topics![documents, errors, install, lint, man, package]
}
