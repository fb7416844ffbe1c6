//! The tests of `make test`, a module for each topic.

mod postfix;
