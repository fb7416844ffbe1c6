//! The distribution's own Postfix, not a byte of it changed, calls our code from
//! the shared library: with `LD_PRELOAD` in import_environment.

use super::{documented, system::daemons_call};
use std::os::unix::net::UnixStream;
use testenv::instance::Instance;
use testenv::prelude::*;
use testenv::smtp::Session;
use testenv::tree;

pub fn cases() -> Vec<Case> {
    testenv::cases![distribution_calls_its_own_code, preloaded_in_import_environment_all_call_ours,]
}

fn library() -> String {
    artefact("libmaster_proto.so.1").display().to_string()
}

fn install() -> Result<Instance> {
    tree::install(&tree::named("debian-binary/unpacked"))?;
    Instance::create(&scratch().join("postfix"), Path::new("/"))
}

/// Mail arrives, and whose code the daemons call then: "C" or "ours".
fn mail_arrives(postfix: &Instance, code: &str) -> Result<()> {
    postfix.delivers(5)?;
    UnixStream::connect(postfix.queue().join("private/tlsproxy"))?;
    Session::open(postfix.postscreen())?.quit()?;
    let daemons =
        "smtpd cleanup virtual trivial-rewrite anvil pickup qmgr postscreen tlsproxy postlogd";
    daemons_call(postfix, code, daemons)
}

/// Also when our library is in the environment alone: Postfix hands down only
/// what main.cf names.
fn distribution_calls_its_own_code() -> Result<()> {
    let mut postfix = install()?;
    postfix.start()?;
    mail_arrives(&postfix, "C")?;
    postfix.stop()?;
    postfix.start_by(&[&format!("LD_PRELOAD={}", library())])?;
    mail_arrives(&postfix, "C")?;
    postfix.stop()
}

fn preloaded_in_import_environment_all_call_ours() -> Result<()> {
    let mut postfix = install()?;
    let command = documented::block("LD_PRELOAD=/")?;
    let command = command.replace("/usr/local/lib/libmaster_proto.so.1", &library());
    ensure!(command.contains(&library()), "docs/postfix.md names another library: {command}");
    let (sh, etc) = (Shell::new()?, postfix.dir().join("etc"));
    cmd!(sh, "sh -euc {command}").env("MAIL_CONFIG", etc).run()?;
    postfix.start()?;
    mail_arrives(&postfix, "ours")?;

    postfix.reload_in_a_session()?;
    mail_arrives(&postfix, "ours")?;
    postfix.stop()?;
    let log = postfix.log();
    for text in ["undefined symbol", "ld.so"] {
        ensure!(!log.contains(text), "the dynamic linker has a message: {}", postfix.last_words());
    }
    Ok(())
}
