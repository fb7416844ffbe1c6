//! The tests of `make test`, a module for each topic.

mod call;
mod guard;
mod postfix;
mod product;
mod sandbox;
mod ships;
