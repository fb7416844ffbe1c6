//! The distribution's own Postfix, not a byte of it changed, calls our code from
//! the shared library: with `LD_PRELOAD` in import_environment.

use super::{documented, system::daemons_call};
use std::os::unix::net::UnixStream;
use tests::instance::Instance;
use tests::prelude::*;
use tests::smtp::Session;

/// LD_PRELOAD takes no path with spaces, such as that of the checkout may be.
fn library() -> String {
    scratch().join("libmaster_proto.so.1").display().to_string()
}

fn install() -> Result<Instance> {
    let package = scratch().join("package");
    sh!(
        "ln -s \"$CHECKOUT\"/build/libmaster_proto.so.1 $TMPDIR
        cp -R $TREES/debian-binary/unpacked {0}
        tests/postfix/relocate.sh {0}",
        package.display()
    )?;
    Instance::create("postfix", &package)
}

/// Mail arrives, and the daemons then call this code: "C" or "ours".
fn mail_arrives(postfix: &Instance, code: &str) -> Result {
    postfix.delivers(5)?;
    UnixStream::connect(postfix.queue().join("private/tlsproxy"))?;
    Session::open(postfix.postscreen())?.quit()?;
    let daemons =
        "smtpd cleanup virtual trivial-rewrite anvil pickup qmgr postscreen tlsproxy postlogd";
    daemons_call(postfix, code, daemons)
}

/// Also when our library is in the environment alone: Postfix hands down only
/// what main.cf names.
#[test]
fn distribution_calls_its_own_code() -> Result {
    sandbox(|| {
        let mut postfix = install()?;
        postfix.start()?;
        mail_arrives(&postfix, "C")?;
        postfix.stop()?;
        postfix.start_by(&[&format!("LD_PRELOAD={}", library())])?;
        mail_arrives(&postfix, "C")?;
        postfix.stop()
    })
}

#[test]
fn preloaded_in_import_environment_all_call_ours() -> Result {
    sandbox(|| {
        let mut postfix = install()?;
        let command = documented::block("LD_PRELOAD=/")?;
        // The tests' own preloaded library stays.
        let libraries = format!("{}:libuid_wrapper.so", library());
        let command = command.replace("/usr/local/lib/libmaster_proto.so.1", &libraries);
        ensure!(command.contains(&library()), "docs/postfix.md names another library: {command}");
        sh!(
            "postconf() {{ {} -c {}/etc \"$@\"; }}\n{command}",
            postfix.program("postconf"),
            postfix.dir().display()
        )?;
        postfix.start()?;
        mail_arrives(&postfix, "ours")?;

        postfix.reload_in_a_session()?;
        mail_arrives(&postfix, "ours")?;
        postfix.stop()?;
        let log = postfix.log();
        for text in ["undefined symbol", "ld.so"] {
            ensure!(!log.contains(text), "the dynamic linker complains: {}", postfix.last_words());
        }
        Ok(())
    })
}
