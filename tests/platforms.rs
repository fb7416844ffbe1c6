//! What `make test-arch` runs: the harnesses on other processors, with another C
//! library and other linkers, and compiled for other systems.

#[path = "platforms/document.rs"]
mod document;
#[path = "platforms/machines.rs"]
mod machines;
#[path = "platforms/marks.rs"]
mod marks;
#[path = "platforms/systems.rs"]
mod systems;

fn main() -> std::process::ExitCode {
    testenv::runner::main(testenv::topics![machines, marks, systems, document])
}
