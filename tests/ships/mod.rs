//! What ships: the installation, the manual pages, the documents, the crate.

mod examples;
mod install;
pub mod man;

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    [examples::cases(), install::cases(), man::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// A field of the product's manifest, such as its version.
pub fn manifest(field: &str) -> Result<String> {
    let manifest = std::fs::read_to_string(checkout().join("Cargo.toml"))?;
    let value = manifest
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(" = \""))
        .and_then(|rest| rest.split('"').next());
    Ok(value
        .with_context(|| format!("no {field} in Cargo.toml"))?
        .to_owned())
}

/// Runs a command of the shell with a file as descriptor 5, and returns the
/// messages that are in the file then.
pub fn messages_of(command: &str) -> Result<Vec<[i32; 3]>> {
    let sh = Shell::new()?;
    cmd!(sh, "sh -euc {command}' 5>/tmp/sent'").run()?;
    let sent = sh.read_binary_file("/tmp/sent")?;
    ensure!(sent.len() % 12 == 0, "{} bytes were sent", sent.len());
    let number = |bytes: &[u8]| i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let message = |bytes: &[u8]| [0, 4, 8].map(|at| number(&bytes[at..at + 4]));
    Ok(sent.chunks_exact(12).map(message).collect())
}
