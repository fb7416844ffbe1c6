//! All tests that `make test` runs, a module per topic.

mod product;

fn main() -> std::process::ExitCode {
    testenv::runner::main(product::cases())
}
