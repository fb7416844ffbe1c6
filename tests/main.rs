//! All tests that `make test` runs, a module per topic.

mod call;
mod mutants;
mod postfix;
mod product;
mod ships;

fn main() -> std::process::ExitCode {
    // `make mutants` sets this, and runs the tests of the tests instead.
    let mutants = std::env::var_os("MUTANTS").is_some();
    testenv::runner::main(if mutants { mutants::cases() } else { cases() })
}

fn cases() -> Vec<testenv::runner::Case> {
    testenv::topics![product, call, postfix, ships]
}
