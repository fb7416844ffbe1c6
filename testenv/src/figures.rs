//! What is exact, the same in each run with the same tools: ours beside
//! Postfix's own code, and a bare write(2), the limit. The tests compare it with
//! docs/bench.md, the benchmark writes it there.

use crate::{Context, Result, sh};

/// What stands in the columns, ours and C by turns, like beside like; and its
/// object in the build folder or, made here, in /tmp/figures.
const COLUMNS: [(&str, &str); 6] = [
    ("ours", "build/master_proto.o"),
    ("C, stack protector and marks", "build/original/original-marked.o"),
    ("ours without marks", "/tmp/figures/unmarked/master_proto.o"),
    ("C, stack protector", "build/original/original-protected.o"),
    ("C", "build/original/original.o"),
    ("bare `write`", "/tmp/figures/bare.o"),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub title: String,
    /// For each column, or for the first alone.
    pub values: Vec<u64>,
}

/// What the figures depend on.
pub fn tools() -> Result<String> {
    sh!("rustc=$(rustc --version | cut -d ' ' -f 2) gcc=$(gcc -dumpfullversion)
        ld=$(ld --version | sed -n '1s/.* //p') glibc=$(getconf GNU_LIBC_VERSION)
        echo \"$(uname -m), rustc $rustc, gcc $gcc, ld $ld, $glibc\"")
}

/// Measures all of it; that takes some seconds.
pub fn measure() -> Result<Vec<Row>> {
    sh!("mkdir -p /tmp/figures
        MARKS=0 tools/build /tmp/figures/unmarked
        gcc -O2 -fPIC -c benches/bare.c -o /tmp/figures/bare.o")?;
    let mut rows = Vec::new();
    let mut row = |title: String, figure: &dyn Fn(&str) -> Result<String>| -> Result<()> {
        let value = |(_, object): (_, &str)| {
            let figure = figure(object)?;
            figure.parse().with_context(|| format!("{title} of {object}: {figure}"))
        };
        let values = COLUMNS.into_iter().map(value).collect::<Result<_>>()?;
        rows.push(Row { title, values });
        Ok(())
    };
    for (link, flag) in [("static", "-static"), ("dynamic", "")] {
        for (what, calls) in [("succeeds", "sent"), ("fails", "lost")] {
            row(format!("instructions, call {what}, {link} link"), &|object| {
                instructions(object, flag, calls)
            })?;
        }
    }
    row("system calls".to_owned(), &system_calls)?;
    row("object, text and data, bytes".to_owned(), &|object| {
        sh!("size {object} | awk 'NR == 2 {{ print $1 + $2 }}'")
    })?;
    // What is compiled for a user: not the header's generator.
    let crates = sh!("cargo tree --locked --offline --edges normal,build --prefix none |
        sed 's/ (\\*)$//' | sort -u | wc -l")?;
    rows.push(Row { title: "crates compiled".to_owned(), values: vec![crates.parse()?] });
    Ok(rows)
}

/// The table in Markdown.
pub fn render(rows: &[Row]) -> String {
    let names = COLUMNS.map(|(name, _)| name).join(" | ");
    let mut text = format!("| | {names} |\n|{}\n", "---|".repeat(COLUMNS.len() + 1));
    for row in rows {
        let mut cells: Vec<_> = row.values.iter().map(u64::to_string).collect();
        cells.resize(COLUMNS.len(), "–".to_owned());
        text += &format!("| {} | {} |\n", row.title, cells.join(" | "));
    }
    text
}

/// Makes a program that calls as often as it is told.
fn count_calls(object: &str, flag: &str) -> Result<String> {
    sh!("gcc -O2 -I include c_tests/count.c benches/msg.c {object} {flag} -o /tmp/figures/count")
}

/// In user space, of `master_notify` and all that it calls; libraries are bound
/// before the first call. No whole number where ten calls differ.
fn instructions(object: &str, flag: &str, calls: &str) -> Result<String> {
    count_calls(object, flag)?;
    sh!("export LD_BIND_NOW=1
        valgrind --tool=callgrind --vgdb=no --toggle-collect=master_notify --log-file=/tmp/figures/log \
            --callgrind-out-file=/dev/null /tmp/figures/count {calls} 10
        awk '/Collected : / {{ print $NF / 10 }}' /tmp/figures/log")
}

/// How many more one call more makes.
fn system_calls(object: &str) -> Result<String> {
    count_calls(object, "")?;
    sh!("count() {{ strace -qq -o /tmp/figures/trace /tmp/figures/count sent $1; wc -l </tmp/figures/trace; }}
        echo $(($(count 11) - $(count 10)))")
}
