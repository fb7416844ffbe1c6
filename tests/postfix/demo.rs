//! What `make demo` shows, of the oldest Postfix here and of the newest.

use testenv::instance::Instance;
use testenv::progress::Progress;
use testenv::tree;
use testenv::{demo, prelude::*};

pub fn cases() -> Vec<Case> {
    ["static", "newest-static"]
        .into_iter()
        .map(|tree| {
            Case::new(format!("postfix::demo::shows_what_happens: {tree}"), move || shows(tree))
        })
        .chain(testenv::cases![names_the_versions_it_runs, shows_why_postfix_does_not_start])
        .collect()
}

fn shows(name: &str) -> Result<()> {
    let log = scratch().join("demo.log");
    let mut progress = Progress::to(log.clone(), log, false)?;
    let keep = scratch().join("kept");
    demo::run(&mut progress, &tree::named(&format!("ours-{name}")), &keep)?;
    for name in ["log", "trace", "mail/inbox/new"] {
        ensure!(keep.join(name).exists(), "the demo leaves no {name}");
    }
    Ok(())
}

fn names_the_versions_it_runs() -> Result<()> {
    let source = scratch().join("source");
    for (version, runs) in
        [("2.11.11", false), ("3.3.22", false), ("3.4.0", true), ("3.12-20260101", true)]
    {
        let sh = Shell::new()?;
        let file = source.join("src/global/mail_version.h");
        sh.write_file(file, format!("#define MAIL_VERSION_NUMBER\t\"{version}\"\n"))?;
        match demo::check_version(&source, "POSTFIX_SRC=source") {
            Ok(()) => ensure!(runs, "the demo would run Postfix {version}"),
            Err(error) => {
                let text = error.to_string();
                ensure!(
                    !runs && text.starts_with(&format!("POSTFIX_SRC=source is Postfix {version}.")),
                    "{text}"
                );
            }
        }
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
