//! The interface, by the tool that distributions use.

use testenv::{abi, prelude::*};

pub fn cases() -> Vec<Case> {
    slow(testenv::cases![abidiff_knows_the_interface_and_sees_each_mistake])
}

fn abidiff_knows_the_interface_and_sees_each_mistake() -> Result<()> {
    abi::build(Path::new("/tmp/abi"))?;
    testenv::script(&abi::check("/tmp/abi")?)?;
    Ok(())
}
