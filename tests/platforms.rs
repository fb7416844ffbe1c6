//! What `make test-arch` runs: the C tests on other architectures, with another C
//! library and other linkers, and compiled for other systems.

#[path = "platforms/branch_protection.rs"]
mod branch_protection;
#[path = "platforms/document.rs"]
mod document;
#[path = "platforms/machines.rs"]
mod machines;
#[path = "platforms/systems.rs"]
mod systems;
