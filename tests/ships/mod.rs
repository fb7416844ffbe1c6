//! What ships: the installation, the manual pages, the documents, the crate.

mod common;
mod documents;
mod errors;
mod examples;
mod install;
mod lint;
pub mod man;
mod package;

pub use common::manifest;
use common::{CALLED, CALLER, messages_of};
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    let topics = [
        documents::cases(),
        errors::cases(),
        examples::cases(),
        install::cases(),
        lint::cases(),
        man::cases(),
        package::cases(),
    ];
    topics.into_iter().flatten().collect()
}
