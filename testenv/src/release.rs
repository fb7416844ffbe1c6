//! A newcomer on a bare system of a Debian release, who does what README says:
//! its own commands, as root and as an ordinary user, and nothing installed but
//! what it and they name.

use crate::bare::{self, System};
use crate::prelude::*;
use crate::progress::Progress;

const USER: &str = "tester";

const FETCHED: &str = r#"
megabytes() { echo "$(($(cat "$@" 2>/dev/null | wc -c) / 1000000)) MB"; }
packages=$(megabytes /var/cache/apt/archives/*.deb)
crates=$(megabytes /root/.cargo/registry/cache/*/* /home/*/.cargo/registry/cache/*/*)
echo "       fetched until here: $packages of packages, $crates of crates"
"#;

/// Prints the Rust that is installed, and the others that the release has and that
/// are new enough, as compiler package and version.
const RUSTS: &str = r#"
list='${db:Status-Status} ${Package} ${Version}\n'
used=$(dpkg-query -W -f "$list" rustc rustc-web 2>/dev/null | sed -n 's/^installed //p')
[ -n "$used" ]
echo "$used"
apt-cache madison rustc rustc-web 2>/dev/null | tr -d '|' | sort -u -k 1,2 |
    while read -r package version _; do
        if [ "$package $version" != "$used" ] && dpkg --compare-versions $version ge MINIMUM; then
            echo "$package $version"
        fi
    done
"#;

/// What lies where neither the checkout nor cargo's cache is.
const ELSEWHERE: &str = "find /tmp /var/tmp /home/tester -mindepth 1 -maxdepth 1 \
    ! -name .cargo ! -name master_proto | sort";

/// Runs the tests on a release.
pub fn test(release: &str) -> Result<()> {
    bare::check_name(release)?;
    let readme = std::fs::read_to_string(checkout().join("README.md"))?;
    let part = readme.split("\n## ").find(|part| part.starts_with("See it work\n"));
    let blocks = part.unwrap_or_default().split("```sh\n").skip(1);
    let commands: Vec<_> = blocks.filter_map(|block| block.split("\n```").next()).collect();
    ensure!(
        commands == ["make demo", "make test"],
        "README's part for newcomers is another than this test knows: {commands:?}"
    );
    let mut progress = Progress::start(&format!("release-{release}"), false)?;
    let system = progress.step(&format!("make a bare system of {release}"), || {
        let system = System::create(release)?;
        system.add_user(USER)?;
        // What README starts from.
        system.run("root", "apt-get --yes --no-install-recommends install make")?;
        system.clone_checkout("root", "master_proto")?;
        system.clone_checkout(USER, "master_proto")?;
        Ok(system)
    })?;
    let before = system.read("root", ELSEWHERE)?;
    for (command, user) in [("make demo", "root"), ("make demo", USER), ("make test", USER)] {
        progress.step(&format!("{command}, as {user}"), || as_newcomer(&system, user, command))?;
        progress.say(&system.read("root", FETCHED)?)?;
    }
    let rusts = RUSTS.replace("MINIMUM", &manifest("rust-version")?);
    let rusts = system.read("root", &rusts)?;
    let mut rusts = rusts.lines();
    progress.say(&format!("       that was with {}", rusts.next().unwrap_or_default()))?;
    for rust in rusts {
        progress.step(&format!("build and test with {rust}"), || with_other_rust(&system, rust))?;
    }
    progress.step("make clean, and nothing is left elsewhere", || {
        system.run(USER, "cd master_proto; make clean; test ! -e build")?;
        let after = system.read("root", ELSEWHERE)?;
        ensure!(before == after, "before:\n{before}\nafter:\n{after}");
        Ok(())
    })?;
    let size = "du --summarize --one-file-system --block-size=M / | cut -f 1";
    progress.say(&format!("       {} on disk at the end", system.read("root", size)?))
}

/// Runs a command in the clone, by the PATH that users have, and, where it asks for
/// a command of root's, that and the command again.
fn as_newcomer(system: &System, user: &str, command: &str) -> Result<()> {
    let path = if user == "root" { "$PATH" } else { "/usr/local/bin:/usr/bin:/bin" };
    let script = format!("PATH={path}; cd master_proto; {command}");
    let Err(error) = system.run(user, &script) else { return Ok(()) };
    let wanted = format!("{error:#}");
    let Some((_, by_root)) = wanted.rsplit_once("As root: ") else { return Err(error) };
    let by_root = by_root.lines().next().unwrap_or_default();
    system.run("root", &by_root.replace("apt-get ", "apt-get --yes "))?;
    system.run(user, &script)
}

/// Build, unit tests and ABI tests, with another Rust in the place of the first.
fn with_other_rust(system: &System, rust: &str) -> Result<()> {
    let (package, version) = rust.split_once(' ').context("no version")?;
    let cargo = package.replacen("rustc", "cargo", 1);
    let std = package.replacen("rustc", "libstd-rust", 1);
    // Cargo's own version is another than the compiler's in some releases.
    let install = format!(
        "apt-get --yes --no-install-recommends --allow-downgrades install \
         {package}={version} {std}-dev={version} \
         $(apt-cache madison {cargo} | grep -q ' {version} ' && echo {cargo}={version} || echo {cargo})"
    );
    system.run("root", &install)?;
    let tests = "cd master_proto; make; cargo test --locked; make prepare
        CARGO_TARGET_DIR=$PWD/build/target cargo test --locked --manifest-path tests/Cargo.toml \
        --test system -- product::abi";
    system.run(USER, tests)
}
