//! The program of the tests: `tests guard SECONDS COMMAND...` is the guard of a sandbox,
//! `tests demo TREE` is `make demo`.

use std::process::ExitCode;
use tests::{Context, Result, bail, checkout, demo, guard, sandbox, tree};

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [word, seconds, command @ ..] if word == "guard" && !command.is_empty() => {
            guard::run(seconds.parse().context("the time limit")?, command)
        }
        [word, ..] if !sandbox::is_inside() => {
            let limit = if word == "demo" { 600 } else { u32::MAX.into() };
            let mut command = sandbox::command(limit)?;
            let status = command.arg(std::env::current_exe()?).args(&arguments).status()?;
            Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        [word, name] if word == "demo" => {
            println!("A real Postfix with build/master_proto.o in place of the C original");
            let keep = checkout().join("build/demo");
            demo::run(&tree(name), &keep)?;
            println!("Postfix's log, the trace and the mail are in {}", keep.display());
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("usage: tests guard SECONDS COMMAND... | demo TREE"),
    }
}
