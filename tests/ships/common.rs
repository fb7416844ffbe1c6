//! What the cases of what ships share.

use testenv::prelude::*;

/// A C program that makes one call.
pub const CALLER: &str =
    "#include <master_proto.h>\nint main(void) { return master_notify(1, 2, 3) != 0; }\n";
/// What it sends.
pub const CALLED: [[i32; 3]; 1] = [[1, 2, 3]];

/// A field of the product's manifest, such as its version.
pub fn manifest(field: &str) -> Result<String> {
    let manifest = std::fs::read_to_string(checkout().join("Cargo.toml"))?;
    let value = manifest
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(" = \""))
        .and_then(|rest| rest.split('"').next());
    Ok(value.with_context(|| format!("no {field} in Cargo.toml"))?.to_owned())
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
