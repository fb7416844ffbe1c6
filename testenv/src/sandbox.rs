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
//! and to look for. A shell furnishes the room and stays as its first process, so
//! the program must not be the last command, which it would become: with the first
//! process the kernel ends all others.

use anyhow::{Context, Result};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use xshell::{Shell, cmd};

pub const CHECKOUT: &str = "/mnt/checkout";
pub const TREES: &str = "/mnt/postfix";
const CELLS: &str = "/mnt/cells";

/// The checkout as the user calls it; set within the sandbox.
const OUTSIDE: &str = "TESTENV_CHECKOUT";

/// Furnishes the sandbox, and runs what follows the checkout, the first word.
///
/// What a make above has left open would be handed down to the daemons. /mnt may
/// be above the checkout, which is at /tmp meanwhile. Files of /etc that cannot be
/// read are left out. Devices work as ever, but none loses its mode to a linker of
/// root's. What is logged in here is not for the host.
const SANDBOX: &str = r#"
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
umask 022
mount --rbind "$1" /tmp; shift
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/checkout /mnt/postfix /mnt/cells /mnt/etc
mount --rbind /tmp /mnt/checkout
for tree in /mnt/checkout/build/postfix/*/; do
    [ -d "$tree" ] || continue
    mkdir "/mnt/postfix/$(basename "$tree")"
    mount --bind "$tree" "/mnt/postfix/$(basename "$tree")"
done

cp -R -d --preserve=mode,timestamps,links /etc/. /mnt/etc 2>/dev/null || :
cd /mnt/etc
for new in postfix:x:64001 postdrop:x:64002; do
    grep -qs "^${new%%:*}:" group || echo "$new:" >>group
done
group=$(sed -n 's/^postfix:[^:]*:\([0-9]*\):.*/\1/p' group)
grep -qs ^postfix: passwd || echo "postfix:x:64001:$group::/nonexistent:/usr/sbin/nologin" >>passwd
rm -f hosts nsswitch.conf
echo '127.0.0.1 localhost' >hosts
printf '%s: files\n' passwd group shadow hosts services >nsswitch.conf
chmod 644 passwd group
chmod 755 .
mount --bind . /etc

mount --rbind /dev /dev
mount -o remount,bind,ro /dev
for folder in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
[ ! -e /dev/log ] || mount --bind /dev/null "$(readlink -f /dev/log)"
ip link set lo up
cd /mnt/checkout
"$@" && exit || exit
"#;

/// Furnishes the cell of the number that is the first word, and runs the rest.
const CELL: &str = r#"
mount --bind "/mnt/cells/$1" /tmp; shift
for folder in /mnt/checkout /mnt/postfix/*; do
    [ ! -d "$folder" ] || mount -o remount,bind,ro "$folder"
done
ip link set lo up
"$@" && exit || exit
"#;

/// The words that give a command namespaces of its own.
const ROOMS: [&str; 7] =
    ["--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Settings of a make and a cargo above, which are not for those that tests call;
/// and a path for libraries, with which Postfix does not build.
const NOT_FOR_TESTS: &str = "MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES DESTDIR PREFIX LIBDIR \
    INCLUDEDIR PKGCONFIGDIR MANDIR BUILD TMPDIR CARGO_TARGET_DIR LD_LIBRARY_PATH";

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
    env::var_os(OUTSIDE).is_some()
}

/// Makes sure that the rest of this program runs in the sandbox: to be called
/// first in `main`. For an ordinary user, tools/deps has seen that it can be had.
pub fn enter() -> Result<()> {
    if is_inside() {
        return Ok(());
    }
    let root = fs::canonicalize(outside()).context("the checkout")?;
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--map-root-user", "--map-auto"]);
    }
    for name in NOT_FOR_TESTS.split_whitespace() {
        command.env_remove(name);
    }
    // Whoever it was is root in there.
    let path = env::var("PATH")? + ":/usr/local/sbin:/usr/sbin:/sbin";
    let program = env::current_exe()?;
    // By a path that leads to it in there, too.
    let inside = program.strip_prefix(&root).map(|within| Path::new(CHECKOUT).join(within));
    let error = command
        .args(ROOMS)
        .args(["sh", "-euc", SANDBOX, "sh"])
        .arg(&root)
        .arg(inside.as_ref().unwrap_or(&program))
        .args(env::args_os().skip(1))
        .env(OUTSIDE, &root)
        .env("PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .env("CARGO_NET_OFFLINE", "true")
        .env("RUST_BACKTRACE", "0")
        .exec();
    Err(error).context("cannot run unshare(1)")
}

/// A command that runs this program again, in a new cell, whose `/tmp` is the
/// folder that is returned with it.
pub(crate) fn cell(number: usize) -> Result<(Command, PathBuf)> {
    let (sh, folder) = (Shell::new()?, Path::new(CELLS).join(number.to_string()));
    cmd!(sh, "mkdir -m 1777 {folder}").quiet().run()?;
    let mut command = Command::new("unshare");
    command.args(ROOMS).args(["sh", "-euc", CELL, "sh", &number.to_string()]);
    command.arg(env::current_exe()?);
    Ok((command, folder))
}

/// Makes a folder appear in another place, for this room and those within.
pub(crate) fn bind(source: &Path, target: &Path) -> Result<()> {
    let sh = Shell::new()?;
    Ok(cmd!(sh, "mount --rbind {source} {target}").run()?)
}

/// Makes what folders contain appear in another one, which is read-only then,
/// beside what is there.
pub(crate) fn lay_over(folders: &[&Path], place: &str) -> Result<()> {
    let folders = folders.iter().map(|folder| format!("{}:", folder.display()));
    let layers = format!("ro,lowerdir={}{place}", folders.collect::<String>());
    let sh = Shell::new()?;
    Ok(cmd!(sh, "mount -t overlay -o {layers} overlay {place}").run()?)
}
