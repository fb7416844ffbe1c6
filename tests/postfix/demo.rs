//! What `make demo` shows, of the oldest Postfix here and of the newest.

use testenv::instance::Instance;
use testenv::progress::Progress;
use testenv::tree;
use testenv::{demo, prelude::*};

pub fn cases() -> Vec<Case> {
    testenv::cases![
        shows_what_happens for ["static", "newest-static"],
        names_the_versions_it_runs,
        shows_why_postfix_does_not_start,
    ]
}

fn shows_what_happens(tree: &str) -> Result<()> {
    let log = scratch().join("demo.log");
    let mut progress = Progress::to(log.clone(), log, false)?;
    let keep = scratch().join("kept");
    demo::run(&mut progress, &tree::named(&format!("ours-{tree}")), &keep)?;
    for name in ["log", "trace", "mail/inbox/new"] {
        ensure!(keep.join(name).exists(), "the demo leaves no {name}");
    }
    Ok(())
}

fn names_the_versions_it_runs() -> Result<()> {
    let (sh, source) = (Shell::new()?, scratch().join("source"));
    for (version, runs) in
        [("2.11.11", false), ("3.3.22", false), ("3.4.0", true), ("3.12-20260101", true)]
    {
        let file = source.join("src/global/mail_version.h");
        sh.write_file(file, format!("#define MAIL_VERSION_NUMBER\t\"{version}\"\n"))?;
        let refused = demo::check_version(&source, "POSTFIX_SRC=source").err();
        let said = refused.map_or_else(String::new, |error| error.to_string());
        let wanted = format!("POSTFIX_SRC=source is Postfix {version}.");
        ensure!(
            said.is_empty() == runs && (runs || said.starts_with(&wanted)),
            "{version}: {said}"
        );
    }
    Ok(())
}

/// Also when that is said to a terminal alone.
fn shows_why_postfix_does_not_start() -> Result<()> {
    let tree = tree::stock(tree::Kind::Static);
    let mut postfix = Instance::create(&scratch().join("postfix"), &tree)?;
    postfix.postconf(&["mail_owner=no-such-user"])?;
    let error = postfix.start().err().context("Postfix has started")?.to_string();
    ensure!(error.contains("unknown user name value: no-such-user"), "{error}");
    Ok(())
}
