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
    make(release).map(drop)
}

/// Builds them, and has them checked by the tools that distributions use.
pub fn test(release: &str) -> Result<()> {
    let (mut progress, mut system) = make(release)?;
    progress.step("install the tools that check packages", || {
        let words = "lintian piuparts autopkgtest gdb abigail-tools uidmap mmdebstrap";
        system.run("root", &format!("{INSTALL} {words}"))
    })?;
    progress.step("lintian has no error and no warning", || {
        let check = "cd out; lintian --pedantic --fail-on error,warning *.changes";
        system.run("tester", check)
    })?;
    system.set_offline(true);
    progress.step("another build gives the same bytes", || {
        let other = "/home/tester/elsewhere/deeper";
        unpack(&system, other)?;
        let settings = "umask 077; export TZ=Asia/Tokyo";
        system.run("tester", &format!("{settings}; {}", recipe(other)))?;
        system.run(
            "tester",
            "cd out; sha256sum *.deb >sums; cat sums; cd ../elsewhere; sha256sum -c ../out/sums",
        )
    })?;
    progress.step("LDFLAGS reach the linker", || {
        let flags = "DEB_BUILD_OPTIONS=nocheck DEB_LDFLAGS_APPEND=-Wl,-rpath,/seen";
        let build = "fakeroot debian/rules clean; debian/rules build";
        let look = "readelf -d debian/build/libmaster_proto.so.1 | grep 'RUNPATH.*/seen'";
        let script = format!("cd {SOURCE}; export {flags}; {build} >/dev/null; {look}");
        system.run("tester", &script)
    })?;
    system.set_offline(false);
    progress
        .step("install them", || system.run("root", "cd /home/tester/out; dpkg --install *.deb"))?;
    progress.step("the library is as hard as one in C", || system.run("tester", HARDENING))?;
    progress.step("object and archive name no folder", || system.run("tester", PATHS))?;
    progress.step("gdb shows function, line and source", || {
        system.run("tester", &GDB.replace("SOURCE", SOURCE))
    })?;
    progress.step("abidiff knows the interface", || crate::abi::in_system(&system))?;
    progress.step("piuparts: install, upgrade, remove, purge", || {
        let tarball = crate::checkout().join("build/bare").join(format!("{release}.tar"));
        system.put_file(&tarball, "/root/base.tar")?;
        system.run("root", &PIUPARTS.replace("RELEASE", release))
    })?;
    progress.step("autopkgtest, in a user namespace", || {
        let to = format!("--apt-upgrade -- unshare --release {release} --tarball ~/base.tar.gz");
        system.run("tester", &format!("{AUTOPKGTEST} {to}"))
    })?;
    progress.step("autopkgtest, here", || system.run("root", &format!("{AUTOPKGTEST} -- null")))
}

const INSTALL: &str = "apt-get --quiet --yes install --no-install-recommends";

/// Nothing that a C library has of the release's flags is missing in ours.
const HARDENING: &str = r#"
marks() {
    readelf -lW "$1" | grep -o GNU_RELRO
    readelf -dW "$1" | sed -n 's/.*(\(FLAGS[_1]*\))/\1/p'
    readelf -nW "$1" | sed -n 's/.* feature: \(.*\)/\1/p' | tr -d ' ' | tr , '\n'
}
export DEB_BUILD_MAINT_OPTIONS=hardening=+bindnow
echo 'int call(int i) { return i + 1; }' >call.c
cc $(dpkg-buildflags --get CFLAGS) -fPIC -shared -nostartfiles $(dpkg-buildflags --get LDFLAGS) -o call.so call.c
marks call.so >c
marks /usr/lib/*/libmaster_proto.so.1 >ours
grep -q GNU_RELRO c
for file in c ours; do echo "$file:" $(cat $file); done
! grep -vxFf ours c
"#;

const PATHS: &str = r#"
cd /usr/lib/*-linux-gnu*/
for file in master_proto.o libmaster_proto.a; do
    strings -a $file >~/words
    readelf -SW $file >>~/words
    readelf -nW $file | grep 'master_proto [0-9]'
    if grep -e /home -e /usr/src -e src/lib.rs -e debug_ ~/words; then exit 1; fi
done
"#;

/// docs/packaging.md has the command that says where the source is.
const GDB: &str = r#"
cc -o notify SOURCE/examples/notify.c $(pkg-config --cflags --libs master_proto)
version=$(pkg-config --modversion master_proto)
GENERATION=1 gdb -batch -ex 'set breakpoint pending on' -ex 'break master_notify' -ex 'run 5>/dev/null'     -ex 'frame' -ex "set substitute-path /usr/src/master_proto-$version SOURCE" -ex 'list' ./notify >shown 2>&1
cat shown
grep 'master_notify (pid=.*lib.rs:[0-9]' shown
grep 'pub extern "C" fn master_notify' shown
"#;

/// In a system whose archive has these very packages, so that they are upgraded.
/// An ordinary user cannot unpack devices, so the ones that are here are bound,
/// which piuparts learned after Debian 12: its packages are for root to check.
const PIUPARTS: &str = r#"
gzip -1 <base.tar >/home/tester/base.tar.gz
mkdir -p /srv/archive dev
cp /home/tester/out/*.deb /srv/archive
(cd /srv/archive; dpkg-scanpackages . >Packages)
echo 'deb [trusted=yes] file:/srv/archive ./' >/etc/apt/sources.list.d/archive.list
tar -C / -rf base.tar srv/archive etc/apt/sources.list.d/archive.list
rm /etc/apt/sources.list.d/archive.list
devices=
if ! mknod probe c 1 3 2>/dev/null; then
    tar --delete -f base.tar ./dev/console ./dev/ptmx
    for device in full null random tty urandom zero; do
        tar --delete -f base.tar ./dev/$device
        : >dev/$device
        devices="$devices --bindmount=/dev/$device"
    done
    tar -rf base.tar ./dev/*
fi
gzip -1 base.tar
piuparts -d RELEASE -b base.tar.gz --keep-sources-list --no-eatmydata $devices \
    /srv/archive/*.deb >log 2>&1 || { tail -n 50 log; exit 1; }
grep 'PASS' log
grep -q 'PASS: Installation, upgrade and purging' log
"#;

/// It ends with 2 if a test is skipped.
const AUTOPKGTEST: &str = "cd /home/tester; autopkgtest out/libmaster-proto1_*.deb out/libmaster-proto-dev_*.deb build/master-proto/";

fn make(release: &str) -> Result<(Progress, System)> {
    crate::bare::check_name(release)?;
    refuse_unclean()?;
    version()?;
    let mut progress = Progress::start(&format!("deb-{release}"), false)?;
    let title = format!("make a bare {release}, with what building takes");
    let mut system = progress.step(&title, || ready(release))?;
    progress.step("build the packages, offline", || {
        system.set_offline(true);
        system.run("tester", &recipe(SOURCE))
    })?;
    system.set_offline(false);
    let to = crate::checkout().join("build/deb").join(release);
    progress.step("take them out", || {
        if to.exists() {
            fs::remove_dir_all(&to)?;
        }
        system.run("tester", "mkdir out; cp build/*.* out")?;
        system.get("/home/tester/out", &to)
    })?;
    for file in crate::apt::files_of(&to)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".deb") {
            progress.say(&format!("build/deb/{release}/{name}"))?;
        }
    }
    Ok((progress, system))
}

/// A system with the source, as packagers unpack it, and what building takes.
fn ready(release: &str) -> Result<System> {
    let system = System::create(release)?;
    system.add_user("tester")?;
    put_source(&system)?;
    let dependencies = INSTALL.replace("install ", "build-dep ");
    system.run(
        "root",
        &format!("{INSTALL} build-essential fakeroot pkgconf; {dependencies} {SOURCE}"),
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
    unpack(system, SOURCE)?;
    Ok(fs::remove_dir_all(&here)?)
}

fn unpack(system: &System, folder: &str) -> Result<()> {
    let script = format!(
        "mkdir -p {folder}; tar -C {folder} --strip-components=1 -xf build/*.orig.tar.gz
        cp -R {folder}/packaging/debian {folder}/debian
        [ -e {folder}/../*.orig.tar.gz ] || cp build/*.orig.tar.gz {folder}/.."
    );
    system.run("tester", &script)
}

fn recipe(folder: &str) -> String {
    format!("cd {folder}; dpkg-buildpackage --unsigned-source --unsigned-changes")
}

/// What is built is what is committed, so that the packages can be told apart.
pub(crate) fn refuse_unclean() -> Result<()> {
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
    let manual = after("man/master_notify.3", ".TH ", '\n')?;
    let other = after("man/master_proto.7", ".TH ", '\n')?;
    let named = format!("\"master_proto {version}\"");
    for (file, agrees) in [
        ("packaging/debian/changelog", packaged == version),
        ("man/master_notify.3", manual.contains(&named)),
        ("man/master_proto.7", other.contains(&named)),
    ] {
        ensure!(
            agrees,
            "Cargo.toml has version {version}, and {file} another. docs/release.md says where it stands"
        );
    }
    Ok(version)
}
