//! Inside a real Postfix.

mod demo;
mod documented;
mod preload;
mod recipes;
mod replace;
mod service;
mod system;

pub fn cases() -> Vec<testenv::runner::Case> {
    testenv::topics![recipes, replace, demo, preload, service, system]
}
