//! A bare Debian system of a release: what a newcomer starts from.
//!
//! mmdebstrap makes it, once, as a tarball below `build/bare`; each [`System`]
//! is a copy of its own. Commands run in it with processes and mounts of their
//! own and, unless they are to be offline, with the host's network. The root
//! folder is changed by pivot_root(2): in a plain chroot the kernel allows no user
//! namespace. What the host knows about mirrors, proxies, certificates and
//! cargo's registry holds inside, too.

use crate::apt::{self, mirror_error};
use crate::prelude::*;
use crate::sandbox;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// Room that a system takes, with what is installed and built in it.
const NEEDED_GB: u64 = 5;
/// A tarball that is older is made anew.
const FRESH: Duration = Duration::from_secs(7 * 24 * 60 * 60);

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
ip link set lo up 2>/dev/null || :
pivot_root . mnt
cd /; umount -l /mnt
# Not exec: this first process, root's, ends with unshare, and all others with it.
"$@" && exit 0 || exit $?
"#;

/// A system, which is gone when this is dropped.
pub struct System {
    root: PathBuf,
    offline: bool,
    // Whoever finds the folder knows by it whether it is in use.
    _in_use: Flock<File>,
}

impl System {
    /// Makes a system of a release. What will not work is said before anything
    /// is fetched.
    pub fn create(release: &str) -> Result<Self> {
        let folder = crate::checkout().join("build/bare");
        fs::create_dir_all(&folder)?;
        check_name(release)?;
        check_host(&folder)?;
        remove_old(&folder);
        let sources = apt::sources("deb", Some(release))?;
        let tarball = folder.join(format!("{release}.tar"));
        let note = tarball.with_extension("sources");
        let is_fresh = fs::metadata(&tarball)
            .and_then(|file| file.modified())
            .is_ok_and(|made| SystemTime::now().duration_since(made).unwrap_or_default() < FRESH)
            && fs::read_to_string(&note).is_ok_and(|text| text == sources);
        check_mirrors(release, &sources)?;
        if !is_fresh {
            make(release, &sources, &tarball)?;
            fs::write(&note, &sources)?;
        }
        let root = folder.join(format!("{release}-{}", std::process::id()));
        let lock = File::create(root.with_extension("lock"))?;
        let in_use = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| error)?;
        let system = Self { root: root.clone(), offline: false, _in_use: in_use };
        fs::create_dir_all(&root)?;
        let mut unpack = as_root(&["tar"]);
        unpack.args(["--exclude=./dev/*", "--numeric-owner", "-xpf"]);
        said_ok(unpack.arg(&tarball).arg("-C").arg(&root))?;
        system.settle(&sources)?;
        Ok(system)
    }

    /// Whether what runs from now on has no network but its own 127.0.0.1.
    pub fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
    }

    /// A command of sh(1) as a user, at home. Whatever it leaves running ends with it.
    pub fn command(&self, user: &str, script: &str) -> Command {
        let mut command = as_root(&["--mount", "--pid", "--fork", "--kill-child"]);
        if self.offline {
            command.arg("--net");
        }
        command.args(["sh", "-euc", ENTER, "sh"]).arg(&self.root);
        command.args(["setpriv", "--init-groups", "--reuid", user]);
        let home = if user == "root" {
            command.args(["--regid", "root"]);
            "/root".to_owned()
        } else {
            command.args(["--regid", user]);
            format!("/home/{user}")
        };
        // As root's processes have it; the user's own, by useradd, has no sbin.
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        command.args(["env", "-i", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]);
        command.arg(format!("PATH={path}"));
        command.args([format!("HOME={home}"), format!("USER={user}")]);
        command.args(host_settings());
        command.args(["sh", "-euc", &format!("cd; {script}")]);
        command
    }

    /// Runs it; what it says goes where this program's own output goes.
    pub fn run(&self, user: &str, script: &str) -> Result<()> {
        eprintln!("[{user}] $ {script}");
        said_ok(self.command(user, script).stdin(Stdio::null()))
    }

    /// Runs it, and returns what it prints.
    pub fn read(&self, user: &str, script: &str) -> Result<String> {
        eprintln!("[{user}] $ {script}");
        let mut command = self.command(user, script);
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        eprint!("{text}");
        ensure!(output.status.success(), "{}: {script}", output.status);
        Ok(text.trim_end().to_owned())
    }

    /// Adds a user whose home is closed to others, and who may have a user
    /// namespace. The ids that go with it exist in here, even if this is in one
    /// itself, and nobody's, 65534, is among them, as everywhere.
    pub fn add_user(&self, name: &str) -> Result<()> {
        self.run(
            "root",
            &format!(
                "groupadd --gid 65535 {name}
                useradd --create-home --shell /bin/sh --uid 65535 --gid 65535 {name}
                chmod 700 /home/{name}
                for file in /etc/subuid /etc/subgid; do echo {name}:1:65535 >$file; done"
            ),
        )
    }

    /// Puts a clone of the checkout, with what is not committed yet, into a
    /// folder of a user.
    pub fn clone_checkout(&self, user: &str, to: &str) -> Result<()> {
        let here = self.root.with_extension("checkout");
        _ = fs::remove_dir_all(&here);
        crate::clone_checkout(&here)?;
        let sh = Shell::new()?;
        sh.change_dir(&here);
        let git = ["-c", "user.name=master_proto", "-c", "user.email=nobody"];
        cmd!(sh, "git -c init.defaultBranch=main init --quiet").run()?;
        cmd!(sh, "git add --all").run()?;
        cmd!(sh, "git {git...} commit --quiet --message=checkout").run()?;
        self.put(user, &here, to)?;
        Ok(fs::remove_dir_all(&here)?)
    }

    /// Copies a folder of the host into one of the system, which becomes the user's.
    pub fn put(&self, user: &str, from: &Path, to: &str) -> Result<()> {
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(from).args(["-c", "."]);
        let script = format!("mkdir -p {to}; tar -C {to} -x --no-same-owner");
        pipe(tar, self.command(user, &script))
    }

    /// Copies a file of the host into the system, for root.
    pub fn put_file(&self, from: &Path, to: &str) -> Result<()> {
        let file = File::open(from).with_context(|| format!("{}", from.display()))?;
        said_ok(self.command("root", &format!("cat >{to}")).stdin(file))
    }

    /// Copies a folder of the system into one of the host.
    pub fn get(&self, from: &str, to: &Path) -> Result<()> {
        fs::create_dir_all(to)?;
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(to).args(["-x", "--no-same-owner"]);
        pipe(self.command("root", &format!("tar -C {from} -c .")), tar)
    }

    /// What the host knows and a stranger to it must be told.
    fn settle(&self, sources: &str) -> Result<()> {
        let mut apt_settings = String::from("Acquire::Retries \"3\";\n");
        let host = Command::new("apt-config").args(["--no-empty", "dump", "Acquire"]).output()?;
        for line in String::from_utf8_lossy(&host.stdout).lines() {
            // Programs of the host, and lists that only its desktop wants.
            if !line.contains("Auto-Detect") && !line.contains("IndexTargets") {
                apt_settings += &format!("{line}\n");
            }
        }
        self.run("root", "rm -f /etc/apt/sources.list.d/*")?;
        let mut files = vec![
            ("/etc/hosts".into(), "127.0.0.1 localhost\n".into()),
            ("/etc/hostname".into(), "bare\n".into()),
            ("/etc/apt/apt.conf.d/99host".into(), apt_settings.clone()),
            ("/etc/apt/sources.list.d/host.sources".into(), sources.into()),
            // There is no init, and a service's port would be the host's.
            ("/usr/sbin/policy-rc.d".into(), "#!/bin/sh\nexit 101\n".into()),
        ];
        let resolver = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        files.push(("/etc/resolv.conf".into(), resolver));
        // The package ca-certificates, which a bare system lacks, takes them in.
        for file in apt::files_of(Path::new("/usr/local/share/ca-certificates")).unwrap_or_default()
        {
            if let Ok(text) = fs::read_to_string(&file) {
                files.push((file.display().to_string(), text));
            }
        }
        // Files that these settings name: keys, and certificates of a proxy.
        let both = [apt_settings.as_str(), sources].join("\n");
        for word in both.split(|c: char| c.is_whitespace() || "\";,".contains(c)) {
            let named = word.starts_with('/') && Path::new(word).is_file();
            if named && !self.root.join(&word[1..]).exists() {
                if let Ok(text) = fs::read_to_string(word) {
                    files.push((word.to_owned(), text));
                }
            }
        }
        for name in ["config.toml", "config"] {
            if let Ok(text) = fs::read_to_string(cargo_home().join(name)) {
                // Above every folder, so for all users.
                files.push(("/.cargo/config.toml".into(), text));
                break;
            }
        }
        for (path, text) in files {
            let script = format!("mkdir -p $(dirname {path}); cat >{path}; chmod 644 {path}");
            let mut child = self.command("root", &script).stdin(Stdio::piped()).spawn()?;
            let mut input = child.stdin.take().context("no input")?;
            input.write_all(text.as_bytes())?;
            drop(input);
            ensure!(child.wait()?.success(), "cannot write {path} in the system");
        }
        self.run("root", "chmod 755 /usr/sbin/policy-rc.d; apt-get --quiet=2 update")
    }
}

impl Drop for System {
    fn drop(&mut self) {
        _ = remove(&self.root);
    }
}

fn remove(root: &Path) -> Result<()> {
    said_ok(as_root(&["rm", "-rf", "--one-file-system"]).arg(root))?;
    _ = fs::remove_dir_all(root.with_extension("checkout"));
    Ok(fs::remove_file(root.with_extension("lock"))?)
}

/// What a run that was killed has left.
fn remove_old(folder: &Path) {
    for file in apt::files_of(folder).unwrap_or_default() {
        let is_lock = file.extension().is_some_and(|name| name == "lock");
        if let (true, Ok(lock)) = (is_lock, File::open(&file)) {
            if Flock::lock(lock, FlockArg::LockExclusiveNonblock).is_ok() {
                _ = remove(&file.with_extension(""));
            }
        }
    }
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

fn said_ok(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot run a command")?;
    ensure!(status.success(), "the command above ends with {status}");
    Ok(())
}

fn pipe(mut from: Command, mut to: Command) -> Result<()> {
    let mut source = from.stdout(Stdio::piped()).spawn()?;
    let status = to.stdin(source.stdout.take().context("no output")?).status()?;
    ensure!(
        source.wait()?.success() && status.success(),
        "cannot copy between the host and the system"
    );
    Ok(())
}

fn cargo_home() -> PathBuf {
    let home = std::env::var_os("HOME").unwrap_or_default();
    std::env::var_os("CARGO_HOME").map_or_else(|| Path::new(&home).join(".cargo"), PathBuf::from)
}

/// The environment's words about proxies and registries, but for secrets.
fn host_settings() -> impl Iterator<Item = String> {
    std::env::vars().filter_map(|(name, value)| {
        let proxy = name.to_ascii_lowercase().ends_with("_proxy");
        let cargo = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_"]
            .iter()
            .any(|start| name.starts_with(start));
        ((proxy || cargo) && !name.ends_with("_TOKEN")).then(|| format!("{name}={value}"))
    })
}

/// What a bare system needs of this machine.
fn check_host(folder: &Path) -> Result<()> {
    for (program, package) in [("mmdebstrap", "mmdebstrap"), ("unshare", "util-linux")] {
        let found = Command::new(program).arg("--version").output();
        ensure!(
            found.is_ok_and(|output| output.status.success()),
            "there is no {program} here, which a bare system takes. Install the package {package}"
        );
    }
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

/// Whether each mirror has the release, asked within seconds.
fn check_mirrors(release: &str, sources: &str) -> Result<()> {
    let field = |stanza: &str, name: &str| {
        let line = stanza.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    let file = crate::checkout().join("build/bare").join(format!("{release}.InRelease"));
    for stanza in sources.split("\n\n").filter(|text| !text.trim().is_empty()) {
        let (uri, suite) = (field(stanza, "URIs:"), field(stanza, "Suites:"));
        let url = format!("{}/dists/{suite}/InRelease", uri.trim_end_matches('/'));
        let output = Command::new("/usr/lib/apt/apt-helper")
            .args(["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10"])
            .args(["-o", "Acquire::https::Timeout=10", "download-file", &url])
            .arg(&file)
            .output()
            .context("cannot run apt-helper, of apt")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let why = said.lines().find(|line| line.starts_with("E: ")).unwrap_or_default();
            if why.contains(" 404 ") {
                bail!(
                    "the mirror {uri} has no release {suite}. Is RELEASE={release} one of Debian's?"
                );
            }
            return Err(mirror_error(format!(
                "the mirror does not answer: {why}. Mirrors are read from /etc/apt"
            )));
        }
        apt::note_expiry(&suite, std::slice::from_ref(&file))?;
    }
    Ok(fs::remove_file(file)?)
}

/// Makes the tarball, under its name only when it is whole.
fn make(release: &str, sources: &str, tarball: &Path) -> Result<()> {
    let list = tarball.with_extension("list.sources");
    fs::write(&list, sources)?;
    let new = tarball.with_extension("new.tar");
    let mode = if nix::unistd::geteuid().is_root() { "root" } else { "unshare" };
    let mut command = Command::new("mmdebstrap");
    command.args([&format!("--mode={mode}"), "--variant=minbase", "--format=tar"]);
    // As it says of itself; a bare system has no certificates.
    if sources.contains("URIs: https:") {
        command.arg("--include=ca-certificates");
    }
    let output = command.arg(release).arg(&new).arg(&list).output()?;
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let is_error = |line: &&str| line.starts_with("E: ");
        let why = said.lines().find(is_error).unwrap_or("it gave no reason").to_owned();
        if said.contains("Failed to fetch") || said.contains("Unable to fetch") {
            return Err(mirror_error(format!("mmdebstrap: {why}")));
        }
        bail!("mmdebstrap cannot make a system of {release}: {why}. Its messages are above");
    }
    fs::remove_file(&list)?;
    Ok(fs::rename(new, tarball)?)
}
