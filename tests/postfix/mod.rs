//! Inside a real Postfix.

mod demo;
mod documented;
mod preload;
mod recipes;
mod replace;
mod service;
mod system;

use testenv::prelude::*;
use testenv::tree::{self, Kind};

pub fn cases() -> Vec<Case> {
    testenv::topics![recipes, replace, demo, preload, service, system]
}

/// The stock trees and what to call them: the distribution's Postfix and the
/// newest, static and shared.
pub fn trees() -> Vec<(String, PathBuf)> {
    let of = |kind: Kind| {
        let name = kind.name();
        [(name.to_owned(), tree::stock(kind)), (format!("newest-{name}"), tree::newest(kind))]
    };
    Kind::BOTH.into_iter().flat_map(of).collect()
}
