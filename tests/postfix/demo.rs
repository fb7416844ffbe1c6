//! What `make demo` runs, with the oldest Postfix here and with the newest.

use tests::demo;
use tests::instance::Instance;
use tests::prelude::*;

fn shows(tree_name: &str) -> Result {
    sandbox(|| {
        let keep = scratch().join("kept");
        demo::run(&tree(tree_name), &keep)?;
        for name in ["log", "trace", "mail/inbox/new"] {
            ensure!(keep.join(name).exists(), "the demo leaves no {name}");
        }
        Ok(())
    })
}

#[test]
fn runs_with_this_release_s_postfix() -> Result {
    shows("ours-static")
}

#[test]
fn runs_with_the_newest_postfix() -> Result {
    shows("ours-newest-static")
}

/// Without a log Postfix says this only to a terminal: `last_words()`.
#[test]
fn shows_why_postfix_does_not_start() -> Result {
    sandbox(|| {
        let mut postfix = Instance::create("postfix", &tree("static"))?;
        postfix.postconf(&["mail_owner=no-such-user"])?;
        let error = postfix.start().err().context("Postfix has started")?.to_string();
        ensure!(error.contains("unknown user name value: no-such-user"), "{error}");
        Ok(())
    })
}
