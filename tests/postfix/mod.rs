//! Inside a real Postfix.

/// Tests that call a function with their own name, which is also that of a shell function.
macro_rules! tests_by {
    ($run:expr, $($name:ident)+) => { $(#[test] fn $name() -> Result { $run(stringify!($name)) })+ };
}

mod demo;
mod documented;
mod preload;
mod recipes;
mod replace;
mod running;
mod service;
mod service_crate;
mod system;
