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
    for figures::Row { title, values } in rows {
        match title.as_str() {
            "system calls" => ensure!(values.iter().all(|&calls| calls == 1), "{values:?}"),
            "crates compiled" => ensure!(values == [2], "{values:?}: libc and this one"),
            _ => {
                for pair in values[..4].chunks(2) {
                    ensure!(pair[0] <= pair[1], "{title}: ours {}, C {}", pair[0], pair[1]);
                }
            }
        }
    }
    // Other compilers make other code, whose figures the document cannot have.
    let (page, tools) = (std::fs::read_to_string("docs/bench.md")?, figures::tools()?);
    if page.contains(&tools) {
        let quoted = format!("<!-- figures -->\n{table}<!-- /figures -->");
        ensure!(page.contains(&quoted), "docs/bench.md does not have what is measured:\n{table}");
    } else {
        eprintln!("docs/bench.md has figures of other tools than here: {tools}");
    }
    Ok(())
}
