//! The ways of docs/postfix.md into Postfix without a tool of ours. Each test is a function
//! of `recipes.sh`.

use tests::prelude::*;

fn run(arguments: &[&str]) -> Result {
    sandbox(|| {
        sh_file("postfix/recipes.sh", arguments)?;
        Ok(())
    })
}

#[test]
fn make_cp_make_links_ours_and_compiles_nothing() -> Result {
    run(&["upstream_make", "make", "newest-shared"])
}

#[test]
fn bmake_cp_bmake_links_ours_and_compiles_nothing() -> Result {
    run(&["upstream_make", "bmake", "static"])
}

#[test]
fn post_build_of_a_port_links_ours() -> Result {
    run(&["post_build_of_a_port", "newest-static"])
}

#[test]
fn auxlibs_are_not_the_place() -> Result {
    run(&["auxlibs_are_not_the_place"])
}

/// As NetBSD is, with our patch, and with the two shorter patches that do not work.
#[test]
fn netbsd_patched_takes_ours_and_a_newer_one() -> Result {
    run(&["netbsd"])
}
