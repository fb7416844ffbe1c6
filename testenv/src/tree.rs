//! Postfix trees: the stock builds, which nobody changes, and copies of them.

use crate::{Context, Result, Shell, checkout, cmd, demo, ensure, sandbox};
use std::fs;
use std::path::{Path, PathBuf};

/// How Postfix is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Each program contains the code.
    Static,
    /// `libpostfix-master.so` contains the code.
    Shared,
}

impl Kind {
    pub const BOTH: [Kind; 2] = [Kind::Static, Kind::Shared];

    /// As it is called in names of cases and folders.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Static => "static",
            Kind::Shared => "shared",
        }
    }
}

/// The tree that make calls so.
pub fn named(name: &str) -> PathBuf {
    Path::new(sandbox::TREES).join(name)
}

/// The stock build of the distribution's Postfix.
pub fn stock(kind: Kind) -> PathBuf {
    named(kind.name())
}

/// The stock build of the newest Postfix that Debian has.
pub fn newest(kind: Kind) -> PathBuf {
    named(&format!("newest-{}", kind.name()))
}

/// The stock build with our object in the place of its own; a shared one runs
/// where the stock build is ([`mount_over`]).
pub fn ours(kind: Kind) -> PathBuf {
    named(&format!("ours-{}", kind.name()))
}

/// The source of the distribution's Postfix, as it was unpacked.
pub fn source() -> PathBuf {
    named("source")
}

/// A writable copy of a tree, with the times that make goes by.
pub fn copy(of: &Path, to: &Path) -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "cp -a {of} {to}").run().map_err(Into::into)
}

/// Postfix's own make in a tree.
pub fn make(tree: &Path, words: &[&str]) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(tree);
    let jobs = std::thread::available_parallelism()?.to_string();
    cmd!(sh, "make -j{jobs} {words...}").run().map_err(Into::into)
}

/// A setting of a configured tree: `SYSTYPE`, `SYSLIBS`, `CC`, ...
pub fn setting(tree: &Path, name: &str) -> Result<String> {
    let file = tree.join("conf/makedefs.out");
    let text = Shell::new()?.read_file(&file)?;
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    });
    value.with_context(|| format!("no {name} in {}", file.display()))
}

/// What the tree calls its version.
pub fn version(tree: &Path) -> Result<String> {
    let file = tree.join("src/global/mail_version.h");
    let text = Shell::new()?.read_file(&file)?;
    let line = text.lines().find(|line| line.contains("MAIL_VERSION_NUMBER") && line.contains('"'));
    let version = line.and_then(|line| line.split('"').nth(1));
    Ok(version.with_context(|| format!("no version in {}", file.display()))?.to_owned())
}

/// Makes a copy appear in the place of the tree that it was copied from, since a
/// shared build finds its libraries by that path. For this case alone.
pub fn mount_over(copy: &Path, stock: &Path) -> Result<()> {
    sandbox::bind(copy, stock)
}

/// An unpacked package as if it were installed: what it contains lies over the
/// system's folders. For this case alone.
pub fn install(package: &Path) -> Result<()> {
    let (sh, lib, usr) = (Shell::new()?, package.join("lib"), crate::scratch().join("usr"));
    sh.create_dir(&usr)?;
    // One layer, since the kernel does not tell the path of what lies below two.
    if lib.exists() {
        cmd!(sh, "cp -R {lib} {usr}").run()?;
    }
    sandbox::lay_over(&[&usr, &package.join("usr")], "/usr")?;
    sandbox::lay_over(&[&package.join("etc")], "/etc")
}

/// Refuses what is not a Postfix source with today's protocol; `name` is what
/// the user called it.
pub fn check_source(source: &Path, name: &str) -> Result<()> {
    let header = source.join("src/master/master_proto.h");
    ensure!(
        header.is_file() && source.join("makedefs").is_file(),
        "{name} is not a Postfix source: there is no src/master/master_proto.h or no makedefs in it. \
         Name the top folder of an unpacked Postfix, or its tarball."
    );
    ensure!(
        fs::read_to_string(&header)?.contains("master_notify(int, unsigned, int)"),
        "{name} is older than Postfix 2.2: its master_notify() takes two arguments. \
         This library speaks the protocol of Postfix 2.2 and later."
    );
    Ok(())
}

/// Takes the user's own source, which is only read, into the folder `to`, for the
/// demo, unless it is there already. A file `.taken` in it is new whenever the source is.
pub fn take_source(from: &Path, to: &Path) -> Result<()> {
    let sh = Shell::new()?;
    let name = from.display().to_string();
    ensure!(
        from.exists(),
        "{name} is neither a folder nor a file. Name an unpacked Postfix source or its tarball."
    );
    if from.is_dir() {
        check_source(from, &name)?;
        demo::check_version(from, &name)?;
    }
    // Names, sizes and times tell one source from another.
    let facts = cmd!(sh, "find {from} -type f -printf '%p %s %T@\n'").quiet().read()?;
    let taken = to.join(".taken");
    if fs::read_to_string(&taken).is_ok_and(|known| known == facts) {
        return Ok(());
    }
    _ = fs::remove_dir_all(to);
    if from.is_dir() {
        fs::create_dir_all(to)?;
        let content = from.join(".");
        cmd!(sh, "cp -R {content} {to}").run()?;
        _ = fs::remove_dir_all(to.join(".git"));
    } else {
        unpack(from, to)
            .with_context(|| format!("{name} is not a tar archive that tar can read"))?;
        check_source(to, &name)
            .and_then(|()| demo::check_version(to, &name))
            .inspect_err(|_| _ = fs::remove_dir_all(to))?;
    }
    Ok(fs::write(taken, facts)?)
}

/// Unpacks a tarball to a new folder, without the packager's owners, and not
/// writable by others.
pub fn unpack(tarball: &Path, to: &Path) -> Result<()> {
    let sh = Shell::new()?;
    fs::create_dir_all(to)?;
    let unpacked = cmd!(sh, "tar -xf {tarball} -C {to} --strip-components=1 --no-same-owner").run();
    if let Err(error) = unpacked {
        _ = fs::remove_dir_all(to);
        return Err(error.into());
    }
    cmd!(sh, "chmod -R go-w {to}").run().map_err(Into::into)
}

/// Builds the tree that is called so from its source, in the sandbox:
/// `static`, `shared`, or one of them after a prefix, such as `newest-static`,
/// whose source is `newest-source`; `ours-NAME` is the tree NAME with our object.
pub fn build(name: &str, flags: &str) -> Result<()> {
    if let Some(stock) = name.strip_prefix("ours-") {
        return replace(&named(stock), &named(name));
    }
    let (prefix, kind) = match name.rsplit_once('-') {
        Some((prefix, kind)) => (format!("{prefix}-"), kind),
        None => (String::new(), name),
    };
    let source = checkout().join(format!("build/postfix/{prefix}source/."));
    let (sh, tree) = (Shell::new()?, named(name));
    cmd!(sh, "find {tree} -mindepth 1 -delete").run()?;
    cmd!(sh, "cp -R {source} {tree}").run()?;
    cmd!(sh, "chmod -R u+w,a+rX {tree}").run()?;
    if tree.join("conf/makedefs.out").exists() {
        make(&tree, &["tidy"])?;
    }
    let libraries = format!("shlib_directory={}/lib", tree.display());
    match kind {
        "static" => configure(&tree, &["shared=no"], flags)?,
        "shared" => configure(&tree, &["shared=yes", &libraries], flags)?,
        _ => anyhow::bail!("'{name}' is no tree: it ends with static or shared"),
    }
    make(&tree, &[])?;
    Ok(fs::write(tree.join(".built"), version(&tree)?)?)
}

/// Postfix's configuration with these words and compiler flags, and nothing but
/// libc: no Berkeley DB, NIS, PCRE and ICU; and without debug information, which
/// is most of a tree, and names its folder.
pub fn configure(tree: &Path, words: &[&str], flags: &str) -> Result<()> {
    let flags = format!("CCARGS=-DNO_DB -DNO_NIS -DNO_EAI -DNO_PCRE {flags}");
    let types = ["default_database_type=texthash", "default_cache_db_type=texthash"];
    let all = [
        &["-s", "makefiles", "dynamicmaps=no", "DEBUG=", flags.trim_end(), "AUXLIBS="],
        words,
        &types,
    ];
    make(tree, &all.concat())
}

/// A copy of a stock tree with our object in it.
fn replace(stock: &Path, tree: &Path) -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "find {tree} -mindepth 1 -delete").run()?;
    let (all, object) = (stock.join("."), crate::artefact("master_proto.o"));
    cmd!(sh, "cp -a {all} {tree}").run()?;
    sh.change_dir(checkout());
    cmd!(sh, "tools/postfix-object replace {tree} {object}").run()?;
    Ok(cmd!(sh, "touch {tree}/.built").run()?)
}
