//! The program of the tests: `tests guard SECONDS COMMAND...` is the guard of a sandbox,
//! `tests demo TREE` is `make demo`.

use std::fs::{self, File};
use std::process::ExitCode;
use tests::{Context, Result, bail, checkout, demo, ensure, guard, last_lines, sandbox, tree};

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
        [word, _] if word == "demo" && !sandbox::is_inside() => {
            let log = checkout().join("build/log/demo.log");
            let mut command = sandbox::command(600)?;
            command.arg(std::env::current_exe()?).args(&arguments);
            let status = command.stderr(File::create(&log)?).status()?;
            ensure!(
                status.success(),
                "{}\nThe full log: {}",
                last_lines(&fs::read(&log)?, 15),
                log.display()
            );
            Ok(ExitCode::SUCCESS)
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
