//! Performance: the exact figures, and that `make bench` prints its ratios.

use tests::prelude::*;

/// Ours takes no more than C with the same compiler flags, in the same row.
#[test]
fn figures_reach_their_goals_and_are_those_of_design_md() -> Result {
    sandbox(|| {
        let measured = sh_file("call/figures.sh", &[])?;
        println!("{measured}");
        let (tools, table) = measured.split_once('\n').context("no figures")?;
        let rows: Vec<_> = table.lines().skip(3).collect();
        ensure!(rows.len() == 6, "{} rows", rows.len());
        for row in rows {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            let figures = cells[1..].iter().map(|cell| cell.parse().context(row.to_owned()));
            let figures = figures.collect::<Result<Vec<u32>>>()?;
            match cells[0] {
                "system calls" => ensure!(figures == [1; 6], "{row}"),
                _ => ensure!(figures[0] <= figures[1] && figures[2] <= figures[3], "{row}"),
            }
        }
        let page = std::fs::read_to_string("docs/design.md")?;
        if page.contains(tools) {
            ensure!(page.contains(&measured), "docs/design.md has other figures than these");
        } else {
            // Other compilers make other code: only the table's rows and columns are the same.
            let form = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
            ensure!(form(&page).contains(&form(table)), "docs/design.md has another table");
            println!("not compared: the figures of docs/design.md are those of other tools");
        }
        Ok(())
    })
}

/// The times mean nothing here.
#[test]
fn bench_prints_ratios() -> Result {
    sandbox(|| {
        let printed = sh_file("call/bench.sh", &["8"])?;
        ensure!(printed.lines().filter(|line| line.contains(" (")).count() == 4, "{printed}");
        Ok(())
    })
}
