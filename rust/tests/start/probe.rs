//! Reports that it is busy and then that it is not, and prints what it was given.

use postfix_service::{Child, Status};
use std::error::Error;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    // SAFETY: this comes first, so nothing else owns a descriptor yet.
    let mut child = unsafe { Child::from_env() }?;
    // SAFETY: as above. It fails before it touches them.
    let again = unsafe { Child::from_env() };
    eprintln!("{}", again.err().ok_or("the second call succeeds, too")?);
    child.notify(Status::Taken)?;
    child.notify(Status::Available)?;
    eprintln!("{:?}", (child.service(), child.transport(), child.arguments()));
    let mut heir = Command::new("sh");
    heir.args(["-c", "(: >&5) 2>&- || (: <&6) 2>&- || (: <&7) 2>&-"]);
    eprintln!("inherited: {}", heir.status()?.success());
    eprintln!("{:?} {:?}", child.take_listeners(), child.take_listeners());
    Ok(())
}
