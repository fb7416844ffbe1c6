//! Inside a real Postfix.

mod demo;
mod documented;
mod preload;
mod recipes;
mod replace;
mod running;
mod service;
mod service_crate;
mod system;
