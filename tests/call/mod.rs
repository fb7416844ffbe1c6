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

pub fn cases() -> Vec<testenv::runner::Case> {
    testenv::topics![
        harnesses,
        trace,
        planted,
        links,
        rendered,
        header,
        differences,
        behaviour,
        figures
    ]
}
