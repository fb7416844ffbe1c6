//! The tests of `make test`, a module for each topic.

mod call;
mod postfix;
mod product;
mod sandbox;
mod ships;
