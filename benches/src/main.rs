//! What a call costs, and mail through a Postfix with it: writes docs/bench.md
//! and its picture. With QUICK=1 in the environment both are build/bench/bench.*,
//! and the times mean nothing.

mod call;
mod mail;
mod page;
mod ratio;

use std::env::{args_os, var_os};
use testenv::progress::Progress;
use testenv::{artefact, checkout, figures, prelude::*, sandbox};

fn main() -> Result<()> {
    sandbox::enter()?;
    let out = artefact("bench");
    if args_os().len() > 1 {
        return call::process(&out);
    }
    std::fs::create_dir_all(&out)?;
    let quick = var_os("QUICK").is_some_and(|value| !value.is_empty() && value != "0");
    let mut progress = Progress::start("bench", false)?;

    let (processes, rounds, messages) = if quick { (6, 6, 50) } else { (200, 150, 400) };
    let figures = progress.step("exact figures", || Ok(figures::render(&figures::measure()?)))?;
    let calls = progress.step("time of a call", || call::ratios(&out, processes))?;
    let mails = progress.step("mail through Postfix", || mail::ratios(rounds, messages))?;

    let mut known = Vec::new();
    for (group, narrow) in [(calls, 0.02), (mails, 0.05)] {
        for ratio in &group {
            progress.say(&ratio.row())?;
        }
        if quick || ratio::are_known(&group, narrow) {
            known.extend(group);
        } else {
            progress.say("  Not published: a control without 1, or a wide interval.")?;
        }
    }
    let folder = if quick { out } else { checkout().join("docs") };
    progress.step("document and picture", || {
        let why = "no ratio is known well enough; wait until nothing else runs here";
        ensure!(!known.is_empty(), why);
        page::draw(&folder.join("bench.svg"), &known)?;
        page::write(&folder.join("bench.md"), &figures, &known)
    })
}
