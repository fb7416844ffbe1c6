//! All tests that `make test` runs, a module per topic.

mod call;
mod postfix;
mod product;
mod ships;

fn main() -> std::process::ExitCode {
    testenv::runner::main(cases())
}

fn cases() -> Vec<testenv::runner::Case> {
    let topics = [product::cases(), call::cases(), postfix::cases(), ships::cases()];
    topics.into_iter().flatten().collect()
}
