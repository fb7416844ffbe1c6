//! The commands of docs/postfix.md, so that what is tested is what stands there.

use tests::prelude::*;

/// The one block of commands that contains this text.
pub fn block(text: &str) -> Result<String> {
    let page = std::fs::read_to_string(checkout().join("docs/postfix.md"))?;
    let blocks = page.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let found: Vec<_> = blocks.filter(|block| block.contains(text)).collect();
    ensure!(
        found.len() == 1,
        "docs/postfix.md has {} blocks of commands with \"{text}\"",
        found.len()
    );
    Ok(found[0].to_owned())
}
