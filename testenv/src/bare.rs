//! A bare Debian system of a release: what a newcomer starts from.
//!
//! mmdebstrap makes it, once a week, as a tarball below `build/bare`; each
//! [`System`] is a copy of its own. Commands run in it with processes and mounts
//! of their own and with the host's network. The root folder is changed by
//! pivot_root(2): in a plain chroot the kernel allows no user namespace. What the
//! host knows about mirrors, proxies, certificates and cargo's registry holds
//! inside, too.

use crate::apt;
use crate::{last_lines, prelude::*, sandbox};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Room that a system takes, with what is installed and built in it.
const NEEDED_GB: u64 = 5;

/// In the folder `$1` of all systems: what killed runs have left, since nobody
/// holds a lock on it, goes, and so do tarballs, and what else is a week old.
const TIDY: &str = r#"
cd "$1"
find . -mindepth 1 -maxdepth 1 -type d -exec flock --nonblock {} rm -rf --one-file-system {} \;
find . -maxdepth 1 -type f -mtime +6 -delete
"#;

/// Makes `$1.tar`, of the release `$2`, unless it is there, and notes the host's
/// settings of apt. Whether each mirror answers is seen within seconds.
const MAKE: &str = r#"
exec 2>&1
{
    # But for programs of the host, and lists that only its desktop wants.
    apt-config --no-empty dump Acquire | grep -v -e Auto-Detect -e IndexTargets
    echo 'Acquire::Retries "3";'
} >"$1.conf"
sed -n -e 's/^URIs: //p' -e 's/^Suites: //p' "$1.sources" |
    while read -r uri && read -r suite; do
        /usr/lib/apt/apt-helper -o Acquire::Retries=0 -o Acquire::http::Timeout=10 \
            -o Acquire::https::Timeout=10 download-file "${uri%/}/dists/$suite/InRelease" "$1.InRelease"
    done
[ ! -e "$1.tar" ] || exit 0
mode=root
[ "$(id -u)" -eq 0 ] || mode=unshare
# As it says of itself; a bare system has no certificates.
with=
! grep -q '^URIs: https:' "$1.sources" || with=--include=ca-certificates
mmdebstrap --mode=$mode --variant=minbase $with --format=tar --aptopt="$(cat "$1.conf")" "$2" "$1.$$.new" "$1.sources"
mv "$1.$$.new" "$1.tar"
"#;

/// Unpacks the system `$1.tar` into the folder `$2`, and tells it what the host
/// knows and a stranger to it must be told.
const FURNISH: &str = r#"
umask 022
tar -C "$2" --exclude='./dev/*' --numeric-owner -xpf "$1.tar"
cd "$2"
rm -f etc/apt/sources.list.d/* etc/apt/apt.conf.d/99mmdebstrap
cp "$1.sources" etc/apt/sources.list.d/host.sources
cp "$1.conf" etc/apt/apt.conf.d/99host
# Keys, and certificates of a proxy.
cat "$1.sources" "$1.conf" | tr -s '",;[:space:]' '\n' | grep '^/' |
    while read -r file; do
        if [ -f "$file" ] && [ -r "$file" ] && [ ! -e ".$file" ]; then
            mkdir -p ".${file%/*}"
            cp "$file" ".$file"
        fi
    done
# The package ca-certificates, which a bare system lacks, takes them in.
[ ! -d /usr/local/share/ca-certificates ] || cp -RL /usr/local/share/ca-certificates usr/local/share
# Above every folder, so for all users.
for file in config config.toml; do
    file="${CARGO_HOME:-$HOME/.cargo}/$file"
    [ ! -r "$file" ] || { mkdir -p .cargo; cp "$file" .cargo/config.toml; }
done
[ ! -r /etc/resolv.conf ] || cp /etc/resolv.conf etc
echo '127.0.0.1 localhost' >etc/hosts
# There is no init, and a service's port would be the host's.
printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d
"#;

/// Run by the first process: furnishes the folder `$1` and goes into it.
const ENTER: &str = r#"
cd "$1"; shift
mount --bind . .; cd "$PWD"
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
for node in null zero full random urandom tty console; do
    [ ! -e /dev/$node ] || { : >dev/$node; mount --bind /dev/$node dev/$node; }
done
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
mount --rbind /sys sys
mount -t proc proc proc
pivot_root . mnt
cd /; umount -l /mnt
# Not exec: this first process, root's, ends with unshare, and all others with it.
"$@" && exit 0 || exit $?
"#;

/// A system, which is gone when this is dropped.
pub struct System {
    root: PathBuf,
    /// Tells others that the folder is in use.
    _lock: Flock<File>,
}

impl System {
    /// Makes a system of a release. What will not work is said within seconds.
    pub fn create(release: &str) -> Result<Self> {
        check_name(release)?;
        let folder = checkout().join("build/bare");
        fs::create_dir_all(&folder)?;
        check_host(&folder)?;
        let base = folder.join(release);
        fs::write(base.with_extension("sources"), apt::sources("deb", Some(release))?)?;
        hear(as_root(&["sh", "-euc", TIDY, "sh"]).arg(&folder), "remove what is old")?;
        let mut make = Command::new("sh");
        hear(make.args(["-euc", MAKE, "sh"]).arg(&base).arg(release), "a base by mmdebstrap")?;
        let root = folder.join(format!("{release}-{}", std::process::id()));
        fs::create_dir(&root)?;
        let lock = Flock::lock(File::open(&root)?, FlockArg::LockExclusive);
        let system = Self { root, _lock: lock.map_err(|(_, error)| error)? };
        hear(as_root(&["sh", "-euc", FURNISH, "sh"]).arg(&base).arg(&system.root), "unpack")?;
        system.run("root", "apt-get --quiet=2 update --error-on=any")?;
        apt::note_expiry(release, &apt::files_of(&system.root.join("var/lib/apt/lists"))?)?;
        Ok(system)
    }

    /// A command of sh(1) as a user, at home. Whatever it leaves running ends with it.
    pub fn command(&self, user: &str, script: &str) -> Command {
        let mut command = as_root(&["--mount", "--pid", "--fork", "--kill-child"]);
        command.args(["sh", "-euc", ENTER, "sh"]).arg(&self.root);
        command.args(["setpriv", "--init-groups", "--reuid", user, "--regid", user]);
        command.args(["sh", "-euc", &format!("cd; {script}")]);
        // The host's words about proxies and registries, but for secrets.
        let cargo = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_"];
        let is_told = |name: &str| {
            let of_cargo = cargo.iter().any(|start| name.starts_with(start));
            of_cargo && !name.ends_with("_TOKEN") || name.to_lowercase().ends_with("_proxy")
        };
        command.env_clear().envs(std::env::vars().filter(|(name, _)| is_told(name))).envs([
            ("LC_ALL", "C.UTF-8"),
            ("DEBIAN_FRONTEND", "noninteractive"),
            // As root's processes have it; the user's own, by useradd, has no sbin.
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", &home(user)),
            ("USER", user),
        ]);
        command
    }

    /// Runs it; what it says goes where this program's own output goes.
    pub fn run(&self, user: &str, script: &str) -> Result<()> {
        self.read(user, script).map(drop)
    }

    /// Runs it, and returns what it says.
    pub fn read(&self, user: &str, script: &str) -> Result<String> {
        eprintln!("[{user}] $ {script}");
        hear(&mut self.command(user, &format!("exec 2>&1; {script}")), script)
    }

    /// Adds a user whose home is closed to others, and who may have a user
    /// namespace. The ids that go with it are those of any first user; in a user
    /// namespace, which has 65536 of them, all that there are, since nobody's, 65534,
    /// must be among them.
    pub fn add_user(&self, name: &str) -> Result<()> {
        self.run(
            "root",
            &format!(
                "read -r first outside count </proc/self/uid_map
                id=1000 range=100000:65536
                [ $count -gt 165536 ] || id=65535 range=1:65535
                groupadd --gid $id {name}
                useradd --create-home --shell /bin/sh --uid $id --gid $id {name}
                chmod 700 /home/{name}
                for file in /etc/subuid /etc/subgid; do echo {name}:$range >$file; done"
            ),
        )
    }

    /// Puts a clone of the checkout, with what is not committed yet, into the
    /// home of a user.
    pub fn clone_checkout(&self, user: &str, to: &str) -> Result<()> {
        let here = self.root.join("put");
        crate::clone_checkout(&here)?;
        commit_all(&here)?;
        self.hand_over(user, to)
    }

    /// Copies a file or folder of the host into the home of a user.
    pub fn put(&self, user: &str, from: &Path, to: &str) -> Result<()> {
        hear(as_root(&["cp", "-R"]).arg(from).arg(self.root.join("put")), "copy into the system")?;
        self.hand_over(user, to)
    }

    fn hand_over(&self, user: &str, to: &str) -> Result<()> {
        self.run("root", &format!("chown -R {user}: /put; mv /put {}/{to}", home(user)))
    }

    /// Copies a folder of the system to a new one of the host.
    pub fn get(&self, from: &str, to: &Path) -> Result<()> {
        let from = self.root.join(from.trim_start_matches('/'));
        hear(as_root(&["cp", "-R"]).arg(from).arg(to), "copy out of the system").map(drop)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        _ = as_root(&["rm", "-rf", "--one-file-system"]).arg(&self.root).status();
    }
}

fn home(user: &str) -> String {
    if user == "root" { "/root".to_owned() } else { format!("/home/{user}") }
}

/// Makes a folder a repository of git, with all in it committed by nobody.
pub(crate) fn commit_all(folder: &Path) -> Result<()> {
    let folder = folder.display();
    sh!("cd '{folder}'
        git -c init.defaultBranch=main init --quiet
        git config user.name nobody
        git config user.email nobody
        git config commit.gpgSign false
        git add --all
        git commit --quiet --message=checkout")
    .map(drop)
}

/// unshare(1), as root of the host or of a user namespace. It ends with this
/// process, since it does not heed the signal that would end it otherwise.
fn as_root(words: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare"]);
    if !nix::unistd::geteuid().is_root() {
        command.args(["--map-root-user", "--map-auto"]);
    }
    command.args(words);
    command
}

/// What programs say of a mirror that fails, or the way to it.
const MIRROR_FAILS: [&str; 7] = [
    "Failed to fetch",
    "Unable to fetch",
    "Temporary failure resolving",
    "failed to download",
    "spurious network error",
    "Could not resolve host",
    "does the mirror answer?",
];

/// Runs a command, with what it says in the log as it comes, and returns that.
/// The error of a failure has the end of it, and is a mirror's where that is to
/// be seen.
fn hear(command: &mut Command, what: &str) -> Result<String> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().context("no output")?).split(b'\n') {
        let line = format!("{}\n", String::from_utf8_lossy(&line?));
        eprint!("{line}");
        said += &line;
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(said.trim_end().to_owned());
    }
    let error = format!("{status}: {what}\n{}", last_lines(said.as_bytes(), 12).join("\n"));
    ensure!(
        !said.contains("/InRelease  404"),
        "{error}\nThe mirrors that /etc/apt names have no such release. Is RELEASE one of Debian's?"
    );
    ensure!(
        !MIRROR_FAILS.iter().any(|sign| said.contains(sign)),
        "{error}\nA mirror has failed, or the way to it, and no test. Try again later. \
         Debian's mirrors are those that /etc/apt names"
    );
    bail!(error)
}

/// What a bare system needs of this machine, beside what `tools/deps` installs.
fn check_host(folder: &Path) -> Result<()> {
    // The ordinary user inside needs one, too.
    let output = Command::new("unshare").args(["--user", "--map-root-user", "true"]).output()?;
    ensure!(
        output.status.success(),
        "this machine has no user namespaces, which the tests in a bare system take: {}. \
         See /proc/sys/user/max_user_namespaces, and kernel.unprivileged_userns_clone or \
         kernel.apparmor_restrict_unprivileged_userns in sysctl(8)",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let disk = nix::sys::statvfs::statvfs(folder)?;
    let free = disk.blocks_available() as u64 * disk.fragment_size() as u64 / 1_000_000_000;
    ensure!(
        free >= NEEDED_GB,
        "there are {free} GB left for {}, and a bare system takes {NEEDED_GB}. Make room there",
        sandbox::outside().join("build").display()
    );
    Ok(())
}

/// Refuses what cannot be a release.
pub fn check_name(release: &str) -> Result<()> {
    ensure!(
        !release.is_empty() && release.bytes().all(|c| c.is_ascii_lowercase()),
        "RELEASE={release} is no name of a Debian release, such as bookworm, trixie or sid"
    );
    Ok(())
}
