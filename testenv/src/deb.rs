//! The Debian packages: `make deb`, and `make test-deb` on what it has made.
//!
//! Both work in a bare system of the release, offline once the build
//! dependencies are there; the host needs neither Debian's Rust nor its tools.

use crate::bare::System;
use crate::prelude::*;
use crate::progress::Progress;
use std::fs;

const SOURCE: &str = "/home/tester/build/master-proto";

/// Builds the packages of a release, into `build/deb/RELEASE`.
pub fn build(release: &str) -> Result<()> {
    refuse_unclean()?;
    version()?;
    let mut progress = Progress::start(&format!("deb-{release}"), false)?;
    let title = format!("make a bare {release}, with what building takes");
    let mut system = progress.step(&title, || ready(release))?;
    progress.step("build the packages, offline", || {
        system.set_offline(true);
        system.run("tester", &recipe(SOURCE))
    })?;
    let to = crate::checkout().join("build/deb").join(release);
    progress.step("take them out", || {
        if to.exists() {
            fs::remove_dir_all(&to)?;
        }
        system.run("tester", "mkdir out; mv build/*.* out")?;
        system.get("/home/tester/out", &to)
    })?;
    for file in crate::apt::files_of(&to)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".deb") {
            progress.say(&format!("build/deb/{release}/{name}"))?;
        }
    }
    Ok(())
}

/// A system with the source, as packagers unpack it, and what building takes.
fn ready(release: &str) -> Result<System> {
    let system = System::create(release)?;
    system.add_user("tester")?;
    put_source(&system)?;
    system.run(
        "root",
        &format!("apt-get --quiet --yes install --no-install-recommends build-essential fakeroot; apt-get --quiet --yes build-dep --no-install-recommends {SOURCE}"),
    )?;
    Ok(system)
}

/// `master-proto_VERSION.orig.tar.gz`, and the same unpacked with `debian/`.
fn put_source(system: &System) -> Result<()> {
    let version = version()?;
    let here = crate::checkout().join("build/deb/source");
    if here.exists() {
        fs::remove_dir_all(&here)?;
    }
    fs::create_dir_all(&here)?;
    let sh = Shell::new()?;
    sh.change_dir(crate::checkout());
    let tarball = here.join(format!("master-proto_{version}.orig.tar.gz"));
    cmd!(
        sh,
        "git -c safe.directory=* archive --prefix=master_proto-{version}/ --output={tarball} HEAD"
    )
    .run()?;
    system.put("tester", &here, "build")?;
    system.run(
        "tester",
        &format!(
            "mkdir {SOURCE}; tar -C {SOURCE} --strip-components=1 -xf build/*.orig.tar.gz
            cp -R {SOURCE}/packaging/debian {SOURCE}/debian"
        ),
    )?;
    Ok(fs::remove_dir_all(&here)?)
}

fn recipe(folder: &str) -> String {
    format!("cd {folder}; dpkg-buildpackage --unsigned-source --unsigned-changes")
}

/// What is built is what is committed, so that the packages can be told apart.
fn refuse_unclean() -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(crate::checkout());
    let changes = cmd!(sh, "git -c safe.directory=* status --porcelain").read()?;
    let first = changes.lines().next().unwrap_or_default();
    ensure!(
        changes.is_empty(),
        "the checkout is not clean, and packages are of what is committed: {first}. \
         Commit, or `git stash --include-untracked`"
    );
    Ok(())
}

/// The version, which must be the same wherever it stands.
pub fn version() -> Result<String> {
    let top = crate::checkout();
    let text = |file: &str| fs::read_to_string(top.join(file)).with_context(|| file.to_owned());
    let after = |file: &str, start: &str, end: char| -> Result<String> {
        let text = text(file)?;
        let line = text.lines().find_map(|line| line.strip_prefix(start));
        let found = line.and_then(|rest| rest.split(end).next());
        Ok(found.with_context(|| format!("{file} has no line \"{start}...\""))?.to_owned())
    };
    let version = after("Cargo.toml", "version = \"", '"')?;
    let packaged = after("packaging/debian/changelog", "master-proto (", '-')?;
    ensure!(
        version == packaged,
        "Cargo.toml has version {version}, and packaging/debian/changelog {packaged}. \
         docs/release.md says where it stands"
    );
    Ok(version)
}
