//! What a user sees who gives bad input or lacks something: one message that
//! says what, where and what to do; a failure; and nothing of theirs changed.

use std::fs;
use std::os::fd::AsFd;
use testenv::prelude::*;
use testenv::progress::Progress;
use testenv::{apt, tree};

/// A name; what the last line says; the command, in a fresh checkout whose path
/// has spaces, with /tmp/tools for a PATH with the basic tools alone.
const REFUSED: [(&str, &str, &str); 16] = [
    ("no_compiler", "no Rust compiler", "PATH=/tmp/tools tools/build /tmp/out"),
    ("no_cargo", "'no-cargo' is missing", "CARGO=no-cargo tools/build /tmp/out"),
    ("no_ar", "'no-ar' is missing", "AR=no-ar tools/build /tmp/out"),
    ("old_rust", "is too old: Rust 1.", "RUSTC=/tmp/old-rustc tools/build /tmp/out"),
    ("no_linker", "It needs a C compiler", "RUSTFLAGS='-C linker=no-cc' tools/build /tmp/out"),
    ("no_libc_crate", "and the crate libc", "CARGO_HOME=/tmp/empty tools/build /tmp/out"),
    ("debug_yes", "DEBUG=yes is neither 0 nor 1", "DEBUG=yes tools/build /tmp/out"),
    ("marks_2", "MARKS=2 is neither 0 nor 1", "MARKS=2 tools/build /tmp/out"),
    ("file_in_the_way", "cannot make the folder", ">/tmp/file; tools/build /tmp/file"),
    // Root heeds permissions, too, without these rights.
    (
        "folder_of_another",
        "is not for root to write to",
        "mkdir /tmp/theirs; chown daemon /tmp/theirs; caps=-dac_override,-dac_read_search
         setpriv --bounding-set $caps --inh-caps $caps tools/build /tmp/theirs",
    ),
    ("no_apt", "there is no apt-get here. Install", "PATH=/tmp/tools tools/deps"),
    ("deps_for_what", "'tea' is nothing to install for", "tools/deps tea"),
    ("deps_of_no_package", "has no debian/control", "tools/deps debian /tmp"),
    // As where the kernel is told to give none to ordinary users.
    (
        "no_user_namespaces",
        "gives daemon no user namespace",
        "mkdir /tmp/none; ln -s /bin/false /tmp/none/unshare
         for tool in newuidmap rustc cargo; do ln -s /bin/true /tmp/none/$tool; done
         PATH=/tmp/none:$PATH setpriv --reuid=1 --clear-groups tools/deps demo",
    ),
    ("no_newuidmap", " uidmap", "PATH=/tmp/tools setpriv --reuid=1 --clear-groups tools/deps demo"),
    (
        "no_subordinate_ids",
        "gives daemon no ids for the sandbox. As root: usermod --add-subuids",
        "mkdir /tmp/all; for tool in newuidmap rustc cargo; do ln -s /bin/true /tmp/all/$tool; done
         PATH=/tmp/all:$PATH setpriv --reuid=1 --clear-groups tools/deps demo",
    ),
];

pub fn cases() -> Vec<Case> {
    testenv::cases![
        refused for REFUSED,
        release_or_version_that_cannot_be_one_is_refused,
        folder_and_tarball_of_a_user_give_the_same_source,
        what_is_no_postfix_source_is_refused,
        source_that_does_not_compile_is_named_with_its_log_and_stays_as_it_is,
        fetching_without_a_network_says_so,
    ]
}

fn refused((_, text, command): &(&str, &str, &str)) -> Result<()> {
    clone_checkout(Path::new("/tmp/a b"))?;
    sh!("mkdir /tmp/tools
        for tool in sh cat cp cut dirname env getconf grep id ls mkdir mv od readelf rm sed \
            setpriv tail tar touch uname; do
            ln -s $(which $tool) /tmp/tools
        done
        printf '#!/bin/sh\necho rustc 1.84.1 of a test\n' >/tmp/old-rustc
        chmod +x /tmp/old-rustc")?;
    let sh = Shell::new()?;
    sh.change_dir("/tmp/a b");
    refuses(text, cmd!(sh, "/bin/sh -euc {command}"))?;
    ensure!(!Path::new("/tmp/out/master_proto.o").exists());
    Ok(())
}

fn release_or_version_that_cannot_be_one_is_refused() -> Result<()> {
    for (result, text) in [
        (testenv::release::test("Trixie"), "RELEASE=Trixie is no name of a Debian release"),
        (testenv::deb::build("../trixie"), "RELEASE=../trixie is no name of a Debian release"),
        (testenv::publish::check("1.0"), "VERSION=1.0 is no version such as 1.0.0"),
    ] {
        let error = format!("{:#}", result.err().with_context(|| format!("not: {text}"))?);
        ensure!(error.contains(text), "{error}");
    }
    Ok(())
}

fn own_source(name: &str) -> Result<PathBuf> {
    let own = scratch().join(name);
    tree::copy(&tree::source(), &own)?;
    Ok(own)
}

fn checksums(folder: &Path) -> Result<String> {
    let folder = folder.display();
    sh!("cd {folder}; find . -type f ! -name .taken -exec cksum {{}} + | sort")
}

fn folder_and_tarball_of_a_user_give_the_same_source() -> Result<()> {
    let expected = checksums(&tree::source())?;
    let own = own_source("own")?;
    sh!("tar -C /tmp -cf /tmp/own.tar own")?;
    for given in [own, "/tmp/own.tar".into()] {
        tree::take_source(&given, Path::new("/tmp/taken"))?;
        ensure!(checksums(Path::new("/tmp/taken"))? == expected, "{}", given.display());
    }
    Ok(())
}

fn what_is_no_postfix_source_is_refused() -> Result<()> {
    sh!("mkdir -p /tmp/other /tmp/old/src/master
        touch /tmp/old/makedefs
        echo 'extern int master_notify(int, int);' >/tmp/old/src/master/master_proto.h
        echo no archive >/tmp/text.tar.gz")?;
    for (given, text) in [
        ("/tmp/missing", "is neither a folder nor a file. Name an unpacked Postfix"),
        ("/tmp/other", "is not a Postfix source"),
        ("/tmp/text.tar.gz", "is not a tar archive"),
        ("/tmp/old", "is older than Postfix 2.2"),
    ] {
        let result = tree::take_source(Path::new(given), Path::new("/tmp/taken"));
        let error = format!("{:#}", result.err().context("it was taken")?);
        ensure!(error.contains(text) && error.contains(given), "{given}: {error}");
    }
    Ok(())
}

/// Makes a folder of this case's own appear in the place of one that is shared.
fn private(folder: &str) -> Result<PathBuf> {
    let own = scratch().join(folder.replace('/', "_"));
    fs::create_dir(&own)?;
    tree::mount_over(&own, Path::new(folder))?;
    Ok(folder.into())
}

/// What breaks it is a compiler flag of the user's, so that is heeded, too.
fn source_that_does_not_compile_is_named_with_its_log_and_stays_as_it_is() -> Result<()> {
    let own = own_source("broken")?;
    let file = own.join("src/util/msg.c");
    fs::write(
        &file,
        fs::read_to_string(&file)? + "\n#ifdef BROKEN\n#error \"on purpose\"\n#endif\n",
    )?;
    let before = checksums(&own)?;

    let postfix = private("/mnt/checkout/build/postfix")?;
    tree::take_source(&own, &postfix.join("yours-source"))?;
    fs::create_dir(private("/mnt/postfix")?.join("yours-static"))?;
    let logs = private("/mnt/checkout/build/log")?;
    // Progress hands both streams to its log: this case's own are put aside.
    let errors = std::io::stderr().as_fd().try_clone_to_owned()?;
    nix::unistd::dup2_stdout(fs::File::create("/tmp/terminal")?)?;
    let mut progress = Progress::start("broken", false)?;
    let result = progress.step("build", || tree::build("yours-static", "-DBROKEN"));
    nix::unistd::dup2_stderr(errors)?;
    ensure!(result.is_err());
    let said = fs::read_to_string("/tmp/terminal")?;
    let last = said.lines().last().unwrap_or_default();
    ensure!(last.contains("The full log: ") && last.contains("build/log/broken.log"), "{said}");
    let log = fs::read_to_string(logs.join("broken.log"))?;
    ensure!(log.contains("#error \"on purpose\""), "{log}");
    ensure!(checksums(&own)? == before);
    Ok(())
}

fn fetching_without_a_network_says_so() -> Result<()> {
    private("/mnt/checkout/build")?;
    let error = format!("{:#}", apt::fetch("source").err().context("it was fetched")?);
    ensure!(error.contains("Is there a network, and does the mirror answer?"), "{error}");
    Ok(())
}
