//! The crate `postfix-service` under a real master: its example, and the programs on its
//! front page.

use super::service;
use std::fs;
use tests::prelude::*;
use tests::trial::{self, Session, Trial, serves};

/// Compiles the example `child` and returns the command of master.cf.
fn child() -> Result<String> {
    sh!("cd rust
        cargo build --quiet --locked --example child --target-dir ../build/target
        cp ../build/target/debug/examples/child $TMPDIR
        echo $TMPDIR/child nobody")
}

/// The same for an example in a copy of the crate, after an edit by a script. The copy's path
/// is the same each time, so that cargo knows what it has compiled there before.
fn edited(name: &str, edit: &str) -> Result<String> {
    sh!("copy=$PWD/build/services/{name}
        rm -rf \"$copy\"
        mkdir -p build/services
        cp -R rust \"$copy\"
        cd \"$copy\"
        {edit}
        cargo build --quiet --locked --example {name} --target-dir ../target
        cp ../target/debug/examples/{name} $TMPDIR
        echo $TMPDIR/{name} nobody")
}

/// Makes an example of a block of Rust on the front page, and of more code.
fn front_page(name: &str, block: usize, more: &str) -> Result<String> {
    let page = fs::read_to_string("rust/README.md")?;
    let block = page.split("```rust").nth(block).and_then(|text| text.split_once('\n'));
    let code = block.context("no such block")?.1.split("```").next().unwrap_or_default();
    let file = scratch().join(format!("{name}.rs"));
    fs::write(file, format!("//! From the front page.\n{code}{more}"))?;
    edited(name, &format!("cp $TMPDIR/{name}.rs examples"))
}

#[test]
fn child_loses_no_session_over_eight_reloads() -> Result {
    sandbox(|| service::loses_no_session_over_eight_reloads(&child()?))
}

#[test]
fn child_does_what_that_in_c_does() -> Result {
    sandbox(|| {
        let command = child()?;
        service::holds_its_session_over_a_reload(&command)?;
        service::ends_at_sigterm(&command)?;
        service::serves_all_listeners("child", &command)?;
        service::ends_after_three_clients(&edited(
            "child",
            "sed -i '/const MAX_USE/s/100/3/' examples/child.rs",
        )?)?;
        service::ends_when_idle(&edited(
            "child",
            "sed -i '/const MAX_IDLE/s/100/1/' examples/child.rs",
        )?)
    })
}

/// Compiles an example of this crate with accept.c around accept(2), and returns the command of
/// master.cf. std calls accept4(2) and write(2) by their symbols.
fn wrapped(name: &str, directory: &str) -> Result<String> {
    sh!("cc -c -o $TMPDIR/accept.o tests/postfix/accept.c
        cargo rustc --quiet --locked --manifest-path {directory}/Cargo.toml --example {name} -- \
            -C link-arg=$TMPDIR/accept.o -C link-arg=-Wl,--wrap=accept,--wrap=accept4,--wrap=write
        echo $CARGO_TARGET_DIR/debug/examples/{name} nobody")
}

#[test]
fn child_survives_the_errors_of_accept_and_serves_when_taken_fails() -> Result {
    sandbox(|| {
        let command = wrapped("child", "rust")?;
        service::survives_the_errors_of_accept(&command)?;
        let client = || serves(trial::service());
        service::serves_when_taken_fails(&command, client, &[0, 1])
    })
}

#[test]
fn hello_of_the_front_page_serves_and_ends_at_a_reload_when_idle() -> Result {
    sandbox(|| service::greets_and_ends_at_a_reload_when_idle(&front_page("hello", 1, "")?))
}

#[test]
fn threads_of_the_front_page_lose_no_session_and_survive_the_errors_of_accept() -> Result {
    sandbox(|| {
        let main = "
            fn main() -> Result<(), Box<dyn std::error::Error>> {
                // SAFETY: this comes first, so nothing else owns a descriptor yet.
                let mut child = unsafe { Child::from_env() }?;
                let listener = TcpListener::from(child.take_listeners().remove(0));
                serve_all(&child, &listener, |client| {
                    let _ = std::io::copy(&mut &client, &mut &client);
                })?;
                Ok(())
            }";
        let command = front_page("threads", 2, main)?;
        service::loses_no_session_over_eight_reloads(&command)?;

        let mut trial = Trial::start(&command, &[("PROCESSES", "2")])?;
        let mut session = Session::open(trial::service())?;
        session.echo("before")?;
        trial.reload()?;
        serves(trial::service())?;
        session.echo("after")?;
        session.close()?;
        trial.stop()?;
        service::survives_the_errors_of_accept(&wrapped("threads", "build/services/threads")?)
    })
}
