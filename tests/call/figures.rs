//! The exact figures: the goals, and that docs/bench.md has them as measured.

use testenv::figures;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![figures_reach_their_goals_and_are_those_of_the_document]
}

fn figures_reach_their_goals_and_are_those_of_the_document() -> Result<()> {
    let rows = figures::measure()?;
    let table = figures::render(&rows);
    println!("{table}");
    for row in rows {
        let title = &row.title;
        match title.as_str() {
            "system calls" => ensure!(row.values.iter().all(|&calls| calls == 1), "{row:?}"),
            "crates compiled" => ensure!(row.values == [2], "{row:?}: libc and this one"),
            _ => {
                for pair in row.values[..4].chunks(2) {
                    ensure!(pair[0] <= pair[1], "{title}: ours {}, C {}", pair[0], pair[1]);
                }
            }
        }
    }
    is_in_the_document(&table)
}

/// Other compilers make other code, whose figures the document cannot have.
fn is_in_the_document(measured: &str) -> Result<()> {
    let sh = Shell::new()?;
    let text = sh.read_file(checkout().join("docs/bench.md"))?;
    let between = text
        .split_once("<!-- figures -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- /figures -->"));
    let (quoted, _) = between.context("docs/bench.md has no place for the figures")?;
    let tools = figures::tools()?;
    if !text.contains(&tools) {
        eprintln!("docs/bench.md has figures of other tools than here: {tools}");
        return Ok(());
    }
    ensure!(quoted == measured, "docs/bench.md does not have what is measured:\n{measured}");
    Ok(())
}
