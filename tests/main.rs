//! All tests that `make test` runs, a module per topic.

mod call;
mod postfix;
mod product;
mod ships;

fn main() -> std::process::ExitCode {
    let topics = [
        product::cases(),
        call::cases(),
        postfix::cases(),
        ships::cases(),
    ];
    testenv::runner::main(topics.into_iter().flatten().collect())
}
