//! The distribution's packages, fetched by apt without the host's apt or dpkg
//! knowing, as any user.
//!
//! Where they come from is read from the host's configuration: mirrors, keys,
//! proxies and certificates. Each set of lists has a folder of its own below
//! `build/apt`, since apt refuses all lists if one of them is stale.

use crate::prelude::*;
use nix::fcntl::{Flock, FlockArg};
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// What went wrong was a mirror, or the way to it: no test has failed.
#[derive(Debug)]
pub struct MirrorError(String);

impl fmt::Display for MirrorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MirrorError {}

/// An error that says so.
pub fn mirror_error(message: impl Into<String>) -> crate::anyhow::Error {
    MirrorError(message.into()).into()
}

/// Fetches what tests take as given into a folder of `build/postfix` of that
/// name: the `source` of the distribution's Postfix, that with Debian's files as
/// `debian-source`, the `newest-source`, or the `debian-binary`, its package.
pub fn fetch(name: &str) -> Result<()> {
    let postfix = crate::checkout().join("build/postfix");
    let to = postfix.join(name);
    let files = postfix.join("download").join(name);
    match name {
        "source" | "debian-source" => source("postfix", None, &files)?,
        "newest-source" => newest_source("postfix", &files)?,
        "debian-binary" => {
            postfix_package(&to)?;
            return Ok(fs::write(to.join(".unpacked"), "")?);
        }
        _ => bail!("nothing to fetch is called {name}"),
    }
    freshly(&to, |new| {
        fs::remove_dir(new)?;
        crate::tree::unpack(&original(&files)?, new)?;
        match name {
            "debian-source" => {
                crate::tree::unpack(&tarball(&files, ".debian.tar.")?, &new.join("debian"))
            }
            _ => Ok(()),
        }
    })
}

/// The upstream tarball among the files of a source package.
pub fn original(files: &Path) -> Result<PathBuf> {
    tarball(files, ".orig.tar.")
}

fn tarball(files: &Path, part: &str) -> Result<PathBuf> {
    let is_it = |file: &PathBuf| {
        let name = file.to_string_lossy();
        name.contains(part) && !name.ends_with(".asc")
    };
    let found = files_of(files)?.into_iter().find(is_it);
    found.with_context(|| format!("no *{part}* in {}", files.display()))
}

/// Downloads the files of a source package into the folder `to`: its .dsc and
/// what that names. They are of the host's release, or of another one.
pub fn source(package: &str, suite: Option<&str>, to: &Path) -> Result<()> {
    let lists = Lists::sources(suite)?;
    freshly(to, |new| lists.apt_get(new, &["--download-only", "source", package]))
}

/// Downloads the newest version of a source package that the mirror really has:
/// one that lags behind still lists a version of unstable whose files are gone.
pub fn newest_source(package: &str, to: &Path) -> Result<()> {
    let Err(error) = source(package, Some("sid"), to) else {
        return Ok(());
    };
    if error.downcast_ref::<MirrorError>().is_none() {
        return Err(error);
    }
    eprintln!(
        "note: the newest {package} is the stable release's, since sid's cannot be fetched: {error}"
    );
    source(package, Some("stable"), to)
}

/// Downloads a binary package, unpacks it into the folder `to`, which may be
/// there already, and does not install it. With `members`, patterns for tar,
/// only these files.
pub fn unpack(lists: &Lists, package: &str, to: &Path, members: &[&str]) -> Result<()> {
    let download = beside(to, "deb");
    freshly(&download, |new| lists.apt_get(new, &["download", package]))?;
    fs::create_dir_all(to)?;
    for file in files_of(&download)? {
        let mut content = Command::new("dpkg-deb")
            .arg("--fsys-tarfile")
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run dpkg-deb")?;
        let unpacked = Command::new("tar")
            .args(["-x", "--no-same-owner", "--exclude=./usr/share/doc", "-C"])
            .arg(to)
            .arg("--wildcards")
            .args(members)
            .stdin(content.stdout.take().context("dpkg-deb has no output")?)
            .status()?;
        ensure!(
            content.wait()?.success() && unpacked.success(),
            "the package {} cannot be unpacked into {}",
            file.display(),
            to.display()
        );
    }
    Ok(fs::remove_dir_all(&download)?)
}

/// The distribution's own Postfix, as a user would install it: the package and
/// the libraries that the host lacks for it in `to/packages`, all of them
/// unpacked in `to/unpacked`.
pub fn postfix_package(to: &Path) -> Result<()> {
    let lists = Lists::host()?;
    freshly(to, |new| {
        let packages = new.join("packages");
        fs::create_dir_all(packages.join("partial"))?;
        let archives = format!("Dir::Cache::archives={}", packages.display());
        let words = ["--download-only", "--reinstall", "--no-install-recommends"];
        lists.apt_get(new, &[&["-o", &archives], &words[..], &["install", "postfix"]].concat())?;
        for file in files_of(&packages)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("postfix_") || name.starts_with("lib") {
                let unpacked = new.join("unpacked");
                let sh = quiet_shell()?;
                cmd!(sh, "dpkg-deb --extract {file} {unpacked}").run()?;
            }
        }
        Ok(())
    })
}

/// Package lists that are apart from the host's.
pub struct Lists {
    folder: PathBuf,
    // Others that would make new lists wait while this is held.
    _in_use: Flock<File>,
}

impl Lists {
    /// Of source packages.
    pub fn sources(suite: Option<&str>) -> Result<Self> {
        let name = format!("source-{}", suite.unwrap_or("host"));
        Self::ready(&name, "deb-src", suite, None, Path::new(""))
    }

    /// Of binary packages for a processor in Debian's words, as if none was installed.
    pub fn binaries(architecture: &str) -> Result<Self> {
        Self::ready(architecture, "deb", None, Some(architecture), Path::new("/dev/null"))
    }

    /// Of binary packages, as if those that the host has were installed.
    pub fn host() -> Result<Self> {
        let status = Path::new("/var/lib/dpkg/status");
        Self::ready("host", "deb", None, None, status)
    }

    /// Runs apt-get in a folder.
    pub fn apt_get(&self, folder: &Path, arguments: &[&str]) -> Result<()> {
        let sh = quiet_shell()?;
        sh.change_dir(folder);
        let configuration = self.folder.join("apt.conf");
        let output = cmd!(sh, "apt-get -c {configuration} --quiet --yes {arguments...}")
            .ignore_status()
            .output()?;
        if !output.status.success() {
            return Err(failure(&output.stderr, &arguments.join(" ")));
        }
        Ok(())
    }

    /// What apt-cache says.
    pub fn apt_cache(&self, arguments: &[&str]) -> Result<String> {
        let sh = quiet_shell()?;
        let configuration = self.folder.join("apt.conf");
        Ok(cmd!(sh, "apt-cache -c {configuration} {arguments...}").read()?)
    }

    fn ready(
        name: &str,
        types: &str,
        suite: Option<&str>,
        architecture: Option<&str>,
        status: &Path,
    ) -> Result<Self> {
        let sh = quiet_shell()?;
        cmd!(sh, "apt-get --version").ignore_stderr().read().context(
            "there is no apt-get here, and what is to be fetched are packages of Debian or its kin",
        )?;
        let folder = crate::checkout().join("build/apt").join(name);
        fs::create_dir_all(&folder)?;
        let lock = || File::create(folder.with_extension("lock"));
        let stamp = folder.join("ready");
        let mut in_use = locked(lock()?, FlockArg::LockShared)?;
        if !is_recent(&stamp) {
            drop(in_use);
            in_use = locked(lock()?, FlockArg::LockExclusive)?;
            if !is_recent(&stamp) {
                let native = cmd!(sh, "dpkg --print-architecture").read()?;
                let architecture = architecture.unwrap_or(&native);
                update(&folder, types, suite, architecture, status)?;
            }
            in_use.relock(FlockArg::LockShared)?;
        }
        Ok(Self { folder, _in_use: in_use })
    }
}

/// A mirror forgets the files that an old list names.
fn is_recent(stamp: &Path) -> bool {
    let written = fs::metadata(stamp).and_then(|stamp| stamp.modified());
    let age = written.map(|written| SystemTime::now().duration_since(written).unwrap_or_default());
    age.is_ok_and(|age| age < Duration::from_secs(24 * 60 * 60))
}

fn update(
    folder: &Path,
    types: &str,
    suite: Option<&str>,
    architecture: &str,
    status: &Path,
) -> Result<()> {
    fs::remove_dir_all(folder)?;
    for below in ["parts", "lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(folder.join(below))?;
    }
    fs::write(folder.join("parts/all.sources"), sources(types, suite)?)?;
    // Read after the host's configuration, whose hooks are about the host.
    let top = folder.display();
    let status = status.display();
    fs::write(
        folder.join("apt.conf"),
        format!(
            r#"#clear APT::Update;
#clear APT::Architectures;
#clear DPkg;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
Debug::NoLocking "true";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{top}/parts";
Dir::State "{top}";
Dir::State::lists "{top}/lists";
Dir::State::status "{status}";
Dir::Cache "{top}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
"#
        ),
    )?;
    let sh = quiet_shell()?;
    let configuration = folder.join("apt.conf");
    let output =
        cmd!(sh, "apt-get -c {configuration} -o APT::Update::Error-Mode=any --quiet update")
            .ignore_status()
            .output()?;
    let lists = files_of(&folder.join("lists"))?;
    if let Some(suite) = suite {
        note_expiry(suite, &lists)?;
    }
    if output.status.success() {
        fs::write(folder.join("ready"), "")?;
    } else if suite.is_some() || lists.is_empty() {
        return Err(failure(&output.stderr, "update"));
    } else {
        // A list that the mirror is just replacing fails, and is tried again.
        let why = failure(&output.stderr, "update");
        eprintln!("note: not all package lists were fetched: {why}");
    }
    Ok(())
}

/// A mirror that lags behind serves an unstable whose list has expired.
pub(crate) fn note_expiry(suite: &str, lists: &[PathBuf]) -> Result<()> {
    let sh = quiet_shell()?;
    for list in lists {
        let text = fs::read_to_string(list).unwrap_or_default();
        let Some(until) = text.lines().find_map(|l| l.strip_prefix("Valid-Until: ")) else {
            continue;
        };
        let end: u64 = cmd!(sh, "date --date={until} +%s").read()?.parse()?;
        if SystemTime::now() > SystemTime::UNIX_EPOCH + Duration::from_secs(end) {
            eprintln!(
                "note: the mirror's {suite} is old: its list was to be used until {until} only"
            );
            break;
        }
    }
    Ok(())
}

/// What a failure of apt means. Its first error is the reason, the last a summary.
fn failure(messages: &[u8], what: &str) -> crate::anyhow::Error {
    let messages = String::from_utf8_lossy(messages);
    let error = messages
        .lines()
        .find(|line| line.starts_with("E: "))
        .or(messages.lines().last())
        .unwrap_or("it gave no reason");
    if error.contains("does not have a Release file") {
        return crate::anyhow::anyhow!("the mirror has no such release: {error}");
    }
    if error.contains("Unable to find a source package") || error.contains("Unable to locate") {
        return crate::anyhow::anyhow!("apt-get {what}: {error}");
    }
    mirror_error(format!(
        "apt-get {what}: {error}. Is there a network, and does the mirror answer?"
    ))
}

/// Where packages come from, as text for a .sources file, with one place in each
/// stanza: the host's entries for its distribution, or for another release.
pub fn sources(types: &str, suite: Option<&str>) -> Result<String> {
    let sh = quiet_shell()?;
    let codename = cmd!(sh, "sh -c '. /etc/os-release && echo $VERSION_CODENAME'").read()?;
    let rolling = ["sid", "unstable", "testing", "stable", "oldstable"];
    let mut places = Vec::new();
    for stanza in host_stanzas() {
        let field = |name: &str| {
            let found = stanza.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map_or("", |(_, value)| value)
        };
        let ours = ["types", "uris", "suites", "architectures", "enabled"];
        let others = stanza.iter().filter(|(name, _)| !ours.contains(&&*name.to_lowercase()));
        let others: Vec<_> = others.map(|(name, value)| format!("{name}: {value}\n")).collect();
        let others = others.concat();
        if field("Enabled") == "no" {
            continue;
        }
        for uri in field("URIs").split_whitespace() {
            for release in field("Suites").split_whitespace() {
                let at = release.find(['-', '/']).unwrap_or(release.len());
                if release[..at] != codename && !rolling.contains(&&release[..at]) {
                    continue; // other people's, which a test does not need
                }
                let is_unstable = suite.is_some_and(|wanted| ["sid", "unstable"].contains(&wanted));
                let alone = is_unstable || suite.is_some_and(|wanted| wanted.contains('-'));
                if alone && at < release.len() {
                    continue; // it has neither updates nor security of its own
                }
                let release = match suite {
                    Some(wanted) => format!("{wanted}{}", &release[at..]),
                    None => release.to_owned(),
                };
                let place = format!("URIs: {uri}\nSuites: {release}\n");
                // A mirror that lags behind serves a list that has expired.
                let lag = if is_unstable { "Check-Valid-Until: no\n" } else { "" };
                places.push((place, format!("{others}{lag}")));
            }
        }
    }
    // Source entries beside binary ones name the same places once more.
    let mut text = String::new();
    for (place, fields) in places {
        if !text.contains(&place) {
            text += &format!("Types: {types}\n{place}{fields}\n");
        }
    }
    ensure!(!text.is_empty(), "/etc/apt names no source of {codename}'s packages");
    Ok(text)
}

/// The fields of an entry, in the order of the file.
type Stanza = Vec<(String, String)>;

/// All entries of the host, in both of the formats that apt reads.
fn host_stanzas() -> Vec<Stanza> {
    let mut files = files_of(Path::new("/etc/apt/sources.list.d")).unwrap_or_default();
    files.insert(0, "/etc/apt/sources.list".into());
    let mut stanzas = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        if file.extension().is_some_and(|name| name == "list") {
            stanzas.extend(lines.filter_map(stanza_of_line));
        } else if file.extension().is_some_and(|name| name == "sources") {
            let text: Vec<_> = lines.collect();
            stanzas.extend(text.join("\n").split("\n\n").map(stanza_of_text));
        }
    }
    stanzas
}

/// `deb [signed-by=KEY] URI SUITE COMPONENT...`
fn stanza_of_line(line: &str) -> Option<Stanza> {
    let line = line.strip_prefix("deb")?;
    let mut rest = line.strip_prefix("-src").unwrap_or(line).trim_start();
    let mut stanza = Vec::new();
    if let Some(options) = rest.strip_prefix('[') {
        let (options, after) = options.split_once(']')?;
        // Apart from this one they are called as in the other format.
        let options = options.replace("arch=", "Architectures=");
        let pairs = options.split_whitespace().filter_map(|option| option.split_once('='));
        stanza.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        rest = after;
    }
    let mut words = rest.split('#').next()?.split_whitespace();
    stanza.push(("URIs".to_owned(), words.next()?.to_owned()));
    stanza.push(("Suites".to_owned(), words.next()?.to_owned()));
    stanza.push(("Components".to_owned(), words.collect::<Vec<_>>().join(" ")));
    Some(stanza)
}

/// Fields with a value each, which goes on in lines that begin with a space.
fn stanza_of_text(text: &str) -> Stanza {
    let mut stanza = Stanza::new();
    for line in text.lines() {
        if let (true, Some((_, value))) = (line.starts_with([' ', '\t']), stanza.last_mut()) {
            *value += &format!("\n{line}");
        } else if let Some((name, value)) = line.split_once(':') {
            stanza.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    stanza
}

/// Fills a new folder, which takes its name only when all went well.
pub fn freshly(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let new = beside(folder, "new");
    for old in [folder, &new] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    fs::create_dir_all(&new)?;
    fill(&new)?;
    Ok(fs::rename(&new, folder)?)
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

pub(crate) fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn locked(file: File, how: FlockArg) -> Result<Flock<File>> {
    Flock::lock(file, how).map_err(|(_, error)| error.into())
}

/// apt in English, whatever the user speaks: its errors are read.
fn quiet_shell() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.set_var("LC_ALL", "C.UTF-8");
    Ok(sh)
}
