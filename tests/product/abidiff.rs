//! The interface, by the tool that distributions use.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    slow(testenv::cases![abidiff_knows_the_interface_and_sees_each_mistake])
}

fn abidiff_knows_the_interface_and_sees_each_mistake() -> Result<()> {
    let sh = Shell::new()?;
    for name in testenv::abi::build(Path::new("/tmp/abi"))? {
        let command = testenv::abi::command("/tmp/abi", &format!("/tmp/abi/{name}.so"))?;
        let output = cmd!(sh, "sh -c {command}").ignore_status().output()?;
        eprintln!("{name}: {}", String::from_utf8_lossy(&output.stdout));
        testenv::abi::is_right(&name, output.status.code())?;
    }
    Ok(())
}
