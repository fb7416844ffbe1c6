//! The Debian packages: `make deb`, and `make test-deb` on what it has made.
//!
//! Both work in a bare system of the release, and build without a network; the
//! host needs neither Debian's Rust nor its tools.

use crate::bare::System;
use crate::prelude::*;
use crate::progress::Progress;
use std::fs;

/// What the scripts below have in common, as a file of the system.
const COMMON: &str = r#"
source=/home/tester/build/master-proto
apt_get() { apt-get --quiet --yes --no-install-recommends "$@"; }
# As packagers do it, into a folder beside the tarball.
unpack() {
    mkdir -p "$1"
    tar -C "$1" --strip-components=1 -xf "$1"/../*.orig.tar.gz
    cp -R "$1/packaging/debian" "$1/debian"
}
offline() { unshare --map-current-user --net "$@"; }
build() { (cd "$1"; offline dpkg-buildpackage --unsigned-source --unsigned-changes); }
"#;

/// A title, who runs it, and what. Of autopkgtest, 2 is the end if a test is skipped.
const CHECKS: [(&str, &str, &str); 11] = [
    (
        "install the tools that check packages",
        "root",
        "apt_get install lintian piuparts autopkgtest gdb abigail-tools uidmap mmdebstrap",
    ),
    (
        "lintian has no error and no warning",
        "tester",
        "cd out; lintian --pedantic --fail-on error,warning *.changes",
    ),
    ("another build gives the same bytes", "tester", AGAIN),
    ("LDFLAGS reach the linker", "tester", LDFLAGS),
    ("install them", "root", "dpkg --install /home/tester/out/*.deb"),
    ("the library is as hard as one in C", "tester", HARDENING),
    ("object and archive name no folder", "tester", PATHS),
    ("gdb shows function, line and source", "tester", GDB),
    ("piuparts: install, upgrade, remove, purge", "root", PIUPARTS),
    (
        "autopkgtest, in a user namespace",
        "tester",
        "autopkgtest out/libmaster-proto1_*.deb out/libmaster-proto-dev_*.deb build/master-proto/ \
            --apt-upgrade -- unshare --release $release --tarball ~/base.tar.gz",
    ),
    (
        "autopkgtest, here",
        "root",
        "cd /home/tester
        autopkgtest out/libmaster-proto1_*.deb out/libmaster-proto-dev_*.deb build/master-proto/ -- null",
    ),
];

const AGAIN: &str = r#"
mkdir elsewhere
cp build/*.orig.tar.gz elsewhere
unpack elsewhere/deeper
(umask 077; export TZ=Asia/Tokyo; build elsewhere/deeper)
cd out
sha256sum *.deb | tee sums
cd ../elsewhere
sha256sum -c ../out/sums
"#;

const LDFLAGS: &str = r#"
cd $source
export DEB_BUILD_OPTIONS=nocheck DEB_LDFLAGS_APPEND=-Wl,-rpath,/seen
debian/rules clean
offline debian/rules build >/dev/null
readelf -d debian/build/libmaster_proto.so.1 | grep 'RUNPATH.*/seen'
"#;

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
cc -o notify $source/examples/notify.c $(pkg-config --cflags --libs master_proto)
version=$(pkg-config --modversion master_proto)
GENERATION=1 gdb -batch -ex 'set breakpoint pending on' -ex 'break master_notify' -ex 'run 5>/dev/null' \
    -ex 'frame' -ex "set substitute-path /usr/src/master_proto-$version $source" -ex list ./notify >shown 2>&1
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
piuparts -d $release -b base.tar.gz --keep-sources-list --no-eatmydata $devices \
    /srv/archive/*.deb >log 2>&1 || { tail -n 50 log; exit 1; }
grep 'PASS' log
grep -q 'PASS: Installation, upgrade and purging' log
"#;

/// Builds the packages of a release, into `build/deb/RELEASE`.
pub fn build(release: &str) -> Result<()> {
    make(release).map(drop)
}

/// Builds them, and has them checked by the tools that distributions use.
pub fn test(release: &str) -> Result<()> {
    let (mut progress, system) = make(release)?;
    system.put("root", &checkout().join(format!("build/bare/{release}.tar")), "base.tar")?;
    for (title, user, script) in CHECKS {
        progress.step(title, || {
            system.run(user, &format!("release={release}\n. /etc/common\n{script}"))
        })?;
    }
    progress.step("abidiff knows the interface", || crate::abi::in_system(&system))
}

fn make(release: &str) -> Result<(Progress, System)> {
    crate::bare::check_name(release)?;
    refuse_unclean()?;
    let version = version()?;
    let mut progress = Progress::start(&format!("deb-{release}"), false)?;
    let title = format!("make a bare {release}, with what building takes");
    let system = progress.step(&title, || {
        let system = System::create(release)?;
        system.run("root", &format!("cat >/etc/common <<'END'{COMMON}END"))?;
        system.add_user("tester")?;
        put_source(&system, &version)?;
        system.run(
            "root",
            ". /etc/common; apt_get install build-essential pkgconf; apt_get build-dep $source",
        )?;
        Ok(system)
    })?;
    progress.step("build the packages, offline", || {
        system.run("tester", ". /etc/common; build $source; mkdir out; cp build/*.* out")
    })?;
    let to = checkout().join("build/deb").join(release);
    _ = fs::remove_dir_all(&to);
    system.get("/home/tester/out", &to)?;
    for file in crate::apt::files_of(&to)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".deb") {
            progress.say(&format!("build/deb/{release}/{name}"))?;
        }
    }
    Ok((progress, system))
}

/// `master-proto_VERSION.orig.tar.gz`, and the same unpacked with `debian/`.
fn put_source(system: &System, version: &str) -> Result<()> {
    let (top, here) = (checkout(), checkout().join("build/deb/source"));
    let (top, folder) = (top.display(), here.display());
    sh!("rm -rf '{folder}'; mkdir -p '{folder}'
        git -C '{top}' -c safe.directory=* archive --prefix=master_proto-{version}/ \\
            --output='{folder}/master-proto_{version}.orig.tar.gz' HEAD")?;
    system.put("tester", &here, "build")?;
    system.run("tester", ". /etc/common; unpack $source")
}

/// What is built is what is committed, so that the packages can be told apart.
pub(crate) fn refuse_unclean() -> Result<()> {
    let (sh, top) = (Shell::new()?, checkout());
    let changes = cmd!(sh, "git -C {top} -c safe.directory=* status --porcelain").read()?;
    let first = changes.lines().next().unwrap_or_default();
    ensure!(
        changes.is_empty(),
        "the checkout is not clean, and packages are of what is committed: {first}. \
         Commit, or `git stash --include-untracked`"
    );
    Ok(())
}

/// The version, which the packages must have, too.
fn version() -> Result<String> {
    let version = manifest("version")?;
    let file = "packaging/debian/changelog";
    ensure!(
        fs::read_to_string(checkout().join(file))?
            .starts_with(&format!("master-proto ({version}-")),
        "Cargo.toml has version {version}, and {file} another. docs/release.md says where it stands"
    );
    Ok(version)
}
