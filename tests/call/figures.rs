//! Performance: the exact figures, and what a user compiles.

use tests::prelude::*;

/// Ours takes no more than C with the same compiler flags, in the same row.
#[test]
fn figures_reach_their_goals_and_are_those_of_design_md() -> Result {
    sandbox_for(300, || {
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
        // Other compilers make other code.
        let page = std::fs::read_to_string("docs/design.md")?;
        if page.contains(tools) {
            ensure!(page.contains(&measured), "docs/design.md has other figures than these");
        } else {
            eprintln!("docs/design.md has the figures of other tools");
        }
        Ok(())
    })
}

/// The generator of the header is for maintainers.
#[test]
fn user_compiles_libc_and_this_crate_alone() -> Result {
    sandbox(|| {
        let crates = sh!("cargo tree --locked --offline --edges normal,build --prefix none |
            sed 's/ (\\*)$//; s/ .*//' | sort -u")?;
        ensure!(crates == "libc\nmaster_proto", "{crates}");
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
