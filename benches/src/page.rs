//! docs/bench.md and its picture.

use plotters::prelude::*;
use std::fs;

use crate::ratio::Ratio;
use testenv::{checkout, figures, prelude::*, tree};

/// Fills the places between marks; the text around them is the document's own.
pub fn write(file: &Path, figures: &str, ratios: &[Ratio]) -> Result<()> {
    let mut text = fs::read_to_string(checkout().join("docs/bench.md"))?;
    let rows: Vec<_> = ratios.iter().map(Ratio::row).collect();
    let rows = format!("| | ratio | 95 % confidence |\n|---|---|---|\n{}", rows.join("\n"));
    let machine = machine()?;
    for (name, content) in [("machine", &*machine), ("figures", figures), ("ratios", &rows)] {
        let [begin, end] = [format!("<!-- {name} -->\n"), format!("\n<!-- /{name} -->")];
        let missing = || format!("docs/bench.md has no place for {name}");
        let (head, rest) = text.split_once(&begin).with_context(missing)?;
        let (_, tail) = rest.split_once(&end).with_context(missing)?;
        text = [head, &begin, content.trim_end(), &end, tail].concat();
    }
    Ok(fs::write(file, text)?)
}

fn machine() -> Result<String> {
    let machine = sh!("model=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
        echo \"$(nproc) × ${{model:-unknown processor}}, Linux $(uname -r | cut -d - -f 1)\"")?;
    let postfix = tree::version(&tree::stock(tree::Kind::Static))?;
    Ok(format!("{machine}, {}, Postfix {postfix}", figures::tools()?))
}

/// A line for each ratio: its median as a dot, its bounds as a bar.
pub fn draw(file: &Path, ratios: &[Ratio]) -> Result<()> {
    // Of usize, plotters never finds the last.
    let lines = i32::try_from(ratios.len())?;
    let ends = ratios.iter().flat_map(|r| [1.0 - r.low, r.high - 1.0]);
    let farthest = ends.fold(0.004, f64::max);
    let root = SVGBackend::new(file, (720, 60 + 28 * lines.unsigned_abs())).into_drawing_area();
    root.fill(&WHITE)?;
    let rows = (0..lines - 1).into_segmented();
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .margin_right(30)
        .x_label_area_size(30)
        .y_label_area_size(260)
        .build_cartesian_2d(1.0 - farthest..1.0 + farthest, rows)?;
    // Lines are counted from below.
    let name = |line: &SegmentValue<i32>| match *line {
        SegmentValue::CenterOf(line) => ratios.get((lines - 1 - line) as usize),
        _ => None,
    };
    chart
        .configure_mesh()
        .max_light_lines(0)
        .disable_y_mesh()
        .label_style(("sans-serif", 14))
        .x_label_formatter(&|ratio| format!("{ratio:.3}"))
        .y_label_formatter(&|line| name(line).map_or(String::new(), |r| r.name.to_owned()))
        .y_labels(ratios.len())
        .draw()?;
    let one = [0, lines].map(|end| (1.0, SegmentValue::Exact(end)));
    chart.draw_series([PathElement::new(one, BLACK)])?;
    chart.draw_series((0..).zip(ratios.iter().rev()).map(|(line, r)| {
        let line = SegmentValue::CenterOf(line);
        ErrorBar::new_horizontal(line, r.low, r.median, r.high, BLUE.filled(), 12)
    }))?;
    Ok(root.present()?)
}
