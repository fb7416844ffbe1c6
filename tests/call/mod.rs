//! The call, beside C.

mod behaviour;
mod differences;
mod figures;
mod harnesses;
mod header;
mod links;
mod planted;
mod rendered;
mod trace;

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    [
        harnesses::cases(),
        trace::cases(),
        planted::cases(),
        links::cases(),
        rendered::cases(),
        header::cases(),
        differences::cases(),
        behaviour::cases(),
        figures::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
