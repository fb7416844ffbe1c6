//! The call, beside the C original.

mod behaviour;
mod c_tests;
mod differences;
mod figures;
mod header;
mod planted;
mod trace;
