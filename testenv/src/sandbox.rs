//! Two rooms, one in the other, by unshare(1).
//!
//! The *sandbox* is one for the whole run: process table, mounts, network, a
//! small private `/etc` and temporary folders of its own; for an ordinary user a
//! user namespace, too. Nothing in it reaches the host, and nothing that others
//! do on the host reaches it. The checkout is at [`CHECKOUT`] in it, where
//! Postfix's daemons find it even if the home is closed to them.
//!
//! A *cell* is one for each case: again processes, mounts and network of its
//! own, an empty `/tmp`, and the checkout read-only.
//!
//! A program enters by running itself again, so there is one program to build
//! and to look for.

use anyhow::{Context, Result, ensure};
use nix::mount::{MsFlags, mount};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, geteuid};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs};
use xshell::{Shell, cmd};

pub const CHECKOUT: &str = "/mnt/checkout";
pub const TREES: &str = "/mnt/postfix";
const CELLS: &str = "/mnt/cells";

/// How far in this process is; set for each step, so it says where to go on.
const STAGE: &str = "TESTENV_STAGE";
/// The checkout as the user calls it.
const OUTSIDE: &str = "TESTENV_CHECKOUT";

/// The checkout as the user calls it, for messages.
pub fn outside() -> PathBuf {
    if let Some(known) = env::var_os(OUTSIDE) {
        return known.into();
    }
    // Cargo says it of each program that it runs.
    let package = env::var_os("CARGO_MANIFEST_DIR");
    let package = package.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.parent().unwrap_or(&package).to_owned()
}

pub fn is_inside() -> bool {
    env::var(STAGE).is_ok_and(|stage| stage == "inside" || stage == "case")
}

/// Makes sure that the rest of this program runs in the sandbox: to be called
/// first in `main`, before there are threads.
pub fn enter() -> Result<()> {
    match env::var(STAGE).as_deref() {
        Err(_) => leave_the_host(),
        Ok("sandbox") => {
            furnish_sandbox()?;
            be_first_process("inside")
        }
        Ok("cell") => {
            furnish_cell()?;
            be_first_process("case")
        }
        Ok(_) => Ok(()),
    }
}

/// The words that give a command namespaces of its own.
const ROOMS: [&str; 7] =
    ["--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Replaces this process by itself in new namespaces.
fn leave_the_host() -> Result<()> {
    let root = fs::canonicalize(outside()).context("the checkout")?;
    // What a make above has left open would be handed down to the daemons.
    let mut command = Command::new("sh");
    command.args(["-c", "exec unshare \"$@\" 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-", "sh"]);
    if !geteuid().is_root() {
        check_subordinate_ids()?;
        command.args(["--map-root-user", "--map-auto"]);
    }
    // Settings of a make and a cargo above are not for those that tests call;
    // Postfix does not build with a path for libraries.
    let settings = "MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR PREFIX LIBDIR INCLUDEDIR \
                    PKGCONFIGDIR MANDIR BUILD TMPDIR CARGO_TARGET_DIR LD_LIBRARY_PATH";
    for name in settings.split_whitespace() {
        command.env_remove(name);
    }
    let error = command
        .args(ROOMS)
        .arg(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(STAGE, "sandbox")
        .env(OUTSIDE, &root)
        .env("LC_ALL", "C.UTF-8")
        .env("CARGO_NET_OFFLINE", "true")
        .env("RUST_BACKTRACE", "0")
        .current_dir("/")
        .exec();
    Err(error).context("cannot run sh(1)")
}

/// What `unshare --map-auto` needs, said better than it does.
pub(crate) fn check_subordinate_ids() -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    ensure!(
        env::split_paths(&path).any(|folder| folder.join("newuidmap").exists()),
        "an ordinary user needs newuidmap to become root in a sandbox. \
         Install the package uidmap, or run this as root."
    );
    let name = nix::unistd::User::from_uid(geteuid())?.map_or_else(String::new, |user| user.name);
    for file in ["/etc/subuid", "/etc/subgid"] {
        let lines = fs::read_to_string(file).unwrap_or_default();
        let owns = |line: &str| {
            let owner = line.split(':').next().unwrap_or_default();
            owner == name || owner == geteuid().to_string()
        };
        ensure!(
            lines.lines().any(owns),
            "{name} has no line in {file}, so there are no numbers for the users in the sandbox. \
             Run, as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}"
        );
    }
    Ok(())
}

/// Mounts something, named in the error.
fn attach(source: &Path, target: &Path, kind: Option<&str>, flags: MsFlags) -> Result<()> {
    fs::create_dir_all(target).with_context(|| format!("{}", target.display()))?;
    let data = kind.map(|_| "mode=755");
    mount(Some(source), target, kind, flags, data)
        .with_context(|| format!("cannot mount {} at {}", source.display(), target.display()))
}

fn tmpfs(target: &str) -> Result<()> {
    attach(Path::new("tmpfs"), Path::new(target), Some("tmpfs"), MsFlags::empty())
}

/// Makes a folder appear in another place, for this and the rooms within.
pub(crate) fn bind(source: &Path, target: &Path) -> Result<()> {
    attach(source, target, None, MsFlags::MS_BIND | MsFlags::MS_REC)
}

/// Makes what folders contain appear in another one, which is read-only then,
/// beside what is there.
pub(crate) fn lay_over(folders: &[&Path], place: &str) -> Result<()> {
    let folders = folders.iter().map(|folder| folder.display().to_string());
    let layers: Vec<_> = folders.chain([place.to_owned()]).collect();
    let layers = format!("lowerdir={}", layers.join(":"));
    mount(Some("overlay"), place, Some("overlay"), MsFlags::MS_RDONLY, Some(&*layers))
        .with_context(|| format!("cannot mount an overlay, {layers}"))
}

/// In a user namespace the flags that the mount has must stay: mount(8) keeps them.
fn make_read_only(folder: &Path) -> Result<()> {
    let sh = Shell::new()?;
    Ok(cmd!(sh, "mount -o remount,bind,ro {folder}").quiet().run()?)
}

fn furnish_sandbox() -> Result<()> {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let root = outside();
    // /mnt may be above the checkout; so the way to it is kept open.
    let held = fs::File::open(&root).with_context(|| format!("{}", root.display()))?;
    let held = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&held)));
    tmpfs("/mnt")?;
    bind(&held, Path::new(CHECKOUT))?;
    // The checkout may be closed to others, and the trees are below it.
    for entry in fs::read_dir(Path::new(CHECKOUT).join("build/postfix")).into_iter().flatten() {
        let entry = entry?;
        if entry.path().is_dir() {
            bind(&entry.path(), &Path::new(TREES).join(entry.file_name()))?;
        }
    }
    fs::create_dir(CELLS)?;
    private_etc()?;
    // Devices work as ever, but none loses its mode to a linker of root's.
    bind(Path::new("/dev"), Path::new("/dev"))?;
    make_read_only(Path::new("/dev"))?;
    for folder in ["/tmp", "/var/tmp", "/dev/shm"] {
        tmpfs(folder)?;
        set_mode(Path::new(folder), 0o1777)?;
    }
    // What is logged in here is not for the host.
    if let Ok(socket) = fs::canonicalize("/dev/log") {
        let nothing = Some("/dev/null");
        mount(nothing, &socket, None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .with_context(|| format!("cannot hide {}", socket.display()))?;
    }
    loopback_up()?;
    env::set_current_dir(CHECKOUT)?;
    Ok(())
}

pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

/// 127.0.0.1, and no other address.
pub fn loopback_up() -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "ip link set lo up").quiet().run().context("ip(8) is in the package iproute2")
}

/// A copy of what can be read, with the users that Postfix wants.
fn private_etc() -> Result<()> {
    let etc = Path::new("/mnt/etc");
    fs::create_dir(etc)?;
    // It complains of files that cannot be read, which are left out.
    let words = ["-R", "-d", "--preserve=mode,timestamps,links"];
    let sh = Shell::new()?;
    cmd!(sh, "cp {words...} /etc/. {etc}").quiet().ignore_status().ignore_stderr().run()?;
    let mut users = fs::read_to_string(etc.join("passwd")).unwrap_or_default();
    let mut groups = fs::read_to_string(etc.join("group")).unwrap_or_default();
    let has =
        |text: &str, name: &str| text.lines().any(|line| line.starts_with(&format!("{name}:")));
    for (name, number) in [("postfix", 64001), ("postdrop", 64002)] {
        if !has(&groups, name) {
            groups += &format!("{name}:x:{number}:\n");
        }
    }
    if !has(&users, "postfix") {
        let group = groups.lines().find_map(|line| line.strip_prefix("postfix:"));
        let number = group.and_then(|rest| rest.split(':').nth(1)).unwrap_or("64001");
        users += &format!("postfix:x:64001:{number}::/nonexistent:/usr/sbin/nologin\n");
    }
    let files = [
        ("passwd", users.as_str()),
        ("group", groups.as_str()),
        ("hosts", "127.0.0.1 localhost\n"),
        (
            "nsswitch.conf",
            "passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\n",
        ),
    ];
    for (name, text) in files {
        let file = etc.join(name);
        _ = fs::remove_file(&file);
        fs::write(&file, text)?;
        set_mode(&file, 0o644)?;
    }
    set_mode(etc, 0o755)?;
    bind(etc, Path::new("/etc"))
}

/// The folder that is a case's `/tmp`.
pub(crate) fn cell_folder(number: usize) -> PathBuf {
    Path::new(CELLS).join(number.to_string())
}

/// This very program, by a path that leads to it in here, too.
fn this_program() -> Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(match program.strip_prefix(outside()) {
        Ok(within) => Path::new(CHECKOUT).join(within),
        Err(_) => program,
    })
}

/// A command that runs this program again, for one case in a cell.
pub(crate) fn cell(number: usize) -> Result<Command> {
    let mut command = Command::new("unshare");
    command
        .args(ROOMS)
        .arg(this_program()?)
        .env(STAGE, "cell")
        .env("TESTENV_CELL", number.to_string());
    Ok(command)
}

fn furnish_cell() -> Result<()> {
    let folder = PathBuf::from(CELLS).join(env::var("TESTENV_CELL")?);
    bind(&folder, Path::new("/tmp"))?;
    make_read_only(Path::new(CHECKOUT))?;
    for tree in fs::read_dir(TREES).into_iter().flatten() {
        make_read_only(&tree?.path())?;
    }
    loopback_up()?;
    env::set_current_dir(CHECKOUT)?;
    Ok(())
}

/// Runs this program once more, as the next stage, and ends as that ends. The
/// first process must stay: with it, the kernel ends all others. And it, unlike
/// others, would not heed an interrupt from the terminal.
fn be_first_process(stage: &str) -> Result<()> {
    let child =
        Command::new(this_program()?).args(env::args_os().skip(1)).env(STAGE, stage).spawn()?;
    let child = Pid::from_raw(i32::try_from(child.id())?);
    loop {
        match waitpid(None, Some(WaitPidFlag::empty())) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => exit(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => exit(128 + signal as i32),
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error).context("waitpid"),
        }
    }
}
