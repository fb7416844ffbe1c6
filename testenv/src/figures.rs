//! What is exact, the same in each run with the same tools: ours beside
//! Postfix's own code, and a bare write(2), the limit. The tests compare it with
//! docs/bench.md, the benchmark writes it there.

use crate::{Context, Result, Shell, artefact, checkout, cmd, ensure, scratch};
use std::path::{Path, PathBuf};

/// What stands in the columns, ours and C by turns, like beside like.
pub const COLUMNS: [&str; 6] = [
    "ours",
    "C, stack protector and marks",
    "ours without marks",
    "C, stack protector",
    "C",
    "bare `write`",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub title: String,
    /// For each column, or for the first alone.
    pub values: Vec<u64>,
}

/// What the figures depend on.
pub fn tools() -> Result<String> {
    let sh = Shell::new()?;
    let rustc = cmd!(sh, "rustc --version").read()?;
    let ld = cmd!(sh, "ld --version").read()?;
    let word = |text: &str, number| text.split_whitespace().nth(number).map(str::to_owned);
    Ok(format!(
        "{}, rustc {}, gcc {}, ld {}, {}",
        std::env::consts::ARCH,
        word(&rustc, 1).context("rustc's version")?,
        cmd!(sh, "gcc -dumpfullversion").read()?,
        ld.lines().next().and_then(|line| line.split(' ').next_back()).context("ld's version")?,
        cmd!(sh, "getconf GNU_LIBC_VERSION").read()?,
    ))
}

/// The objects of the columns; what is not there yet is made in `folder`.
fn objects(sh: &Shell, folder: &Path) -> Result<Vec<PathBuf>> {
    let unmarked = folder.join("unmarked");
    let build = checkout().join("tools/build");
    cmd!(sh, "{build} {unmarked}").env("MARKS", "0").run()?;
    let (bare, source) = (folder.join("bare.o"), checkout().join("benches/bare.c"));
    cmd!(sh, "gcc -O2 -fPIC -c {source} -o {bare}").run()?;
    Ok(vec![
        artefact("master_proto.o"),
        artefact("original/original-marked.o"),
        unmarked.join("master_proto.o"),
        artefact("original/original-protected.o"),
        artefact("original/original.o"),
        bare,
    ])
}

/// Measures all of it; that takes some seconds.
pub fn measure() -> Result<Vec<Row>> {
    let sh = Shell::new()?;
    let folder = scratch().join("figures");
    sh.create_dir(&folder)?;
    let objects = objects(&sh, &folder)?;
    let counter = |object: &PathBuf, flags: &[&str]| count_calls(&sh, &folder, object, flags);
    let mut rows = Vec::new();
    for (link, flags) in [("static", &["-static"][..]), ("dynamic", &[])] {
        let programs = objects.iter().map(|object| counter(object, flags));
        let programs = programs.collect::<Result<Vec<_>>>()?;
        for (what, call) in [("succeeds", "sent"), ("fails", "lost")] {
            let values = programs.iter().map(|program| instructions(&sh, program, call));
            rows.push(Row {
                title: format!("instructions, call {what}, {link} link"),
                values: values.collect::<Result<_>>()?,
            });
        }
        if link == "dynamic" {
            let values = programs.iter().map(|program| system_calls(&sh, program));
            rows.push(Row {
                title: "system calls".to_owned(),
                values: values.collect::<Result<_>>()?,
            });
        }
    }
    rows.push(Row {
        title: "object, text and data, bytes".to_owned(),
        values: objects.iter().map(|object| bytes(&sh, object)).collect::<Result<_>>()?,
    });
    rows.push(Row { title: "crates compiled".to_owned(), values: vec![crates(&sh)?] });
    Ok(rows)
}

/// Measures, and gives the table in Markdown.
pub fn table() -> Result<String> {
    Ok(render(&measure()?))
}

pub fn render(rows: &[Row]) -> String {
    let mut text =
        format!("| | {} |\n|{}\n", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len() + 1));
    for row in rows {
        let value = |column| row.values.get(column).map_or("–".to_owned(), u64::to_string);
        let values: Vec<_> = (0..COLUMNS.len()).map(value).collect();
        text += &format!("| {} | {} |\n", row.title, values.join(" | "));
    }
    text
}

/// A program that calls as often as it is told.
fn count_calls(sh: &Shell, folder: &Path, object: &Path, flags: &[&str]) -> Result<PathBuf> {
    let program = folder.join(format!("count-{}", sh.read_dir(folder)?.len()));
    let sources = [checkout().join("c_tests/count.c"), checkout().join("benches/msg.c")];
    let include = checkout().join("include");
    cmd!(sh, "gcc -O2 -I {include} {sources...} {object} {flags...} -o {program}").run()?;
    Ok(program)
}

/// In user space, of `master_notify` and all that it calls; libraries are bound
/// before the first call.
fn instructions(sh: &Shell, program: &Path, call: &str) -> Result<u64> {
    let callgrind = ["--tool=callgrind", "--vgdb=no", "--toggle-collect=master_notify"];
    let output =
        cmd!(sh, "valgrind {callgrind...} --callgrind-out-file=/dev/null {program} {call} 10")
            .env("LD_BIND_NOW", "1")
            .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find_map(|line| line.split_once("Collected : "));
    let all: u64 =
        line.with_context(|| format!("no figure of callgrind: {said}"))?.1.trim().parse()?;
    ensure!(all > 0 && all % 10 == 0, "10 calls take {all} instructions, so they differ");
    Ok(all / 10)
}

/// By the difference of two runs.
fn system_calls(sh: &Shell, program: &Path) -> Result<u64> {
    let count = |calls: &str| -> Result<usize> {
        let trace = scratch().join("figures/trace");
        cmd!(sh, "strace -qq -o {trace} {program} sent {calls}").run()?;
        Ok(sh.read_file(trace)?.lines().count())
    };
    let more = count("110")? - count("10")?;
    ensure!(more % 100 == 0, "100 calls make {more} system calls");
    Ok(u64::try_from(more / 100)?)
}

fn bytes(sh: &Shell, object: &Path) -> Result<u64> {
    let said = cmd!(sh, "size {object}").read()?;
    let numbers = said.lines().nth(1).context("size(1) says nothing")?;
    let numbers = numbers.split_whitespace().take(2).map(str::parse::<u64>);
    Ok(numbers.sum::<std::result::Result<u64, _>>()?)
}

/// What is compiled for a user: not the header's generator.
fn crates(sh: &Shell) -> Result<u64> {
    let manifest = checkout().join("Cargo.toml");
    let tree = "cargo tree --locked --offline --edges normal,build --prefix none --manifest-path";
    let words = tree.split(' ').skip(1);
    let list = cmd!(sh, "cargo {words...} {manifest}").read()?;
    let mut names: Vec<_> = list.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    names.sort_unstable();
    names.dedup();
    Ok(u64::try_from(names.len())?)
}
