//! The distribution's packages, fetched by apt without the host's apt or dpkg
//! knowing, as any user.
//!
//! Where they come from is read from the host's configuration: mirrors, keys,
//! proxies and certificates. Each set of lists has a folder of its own below
//! `build/apt`, since apt refuses all lists if one of them is stale.

use crate::prelude::*;
use std::fs;
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// Fetches what tests take as given into a folder of `build/postfix` of that
/// name: the `source` of the distribution's Postfix, the `newest-source`, or the
/// `debian-binary`, its package.
pub fn fetch(name: &str) -> Result<()> {
    let to = crate::checkout().join("build/postfix").join(name);
    match name {
        "source" => postfix_source(None, &to),
        "newest-source" => postfix_source(Some("sid"), &to),
        "debian-binary" => postfix_package(&to),
        _ => bail!("nothing to fetch is called {name}"),
    }
}

/// Unpacks a source package, of the host's release or another one, into a new
/// folder: what upstream has made, with Debian's files in `debian/`.
pub fn source(package: &str, suite: Option<&str>, to: &Path) -> Result<()> {
    let lists = Lists::of("deb-src", suite)?;
    let script = format!(
        r#"apt-get -c "$APT" --quiet --download-only source {package}
        tar -xf {package}_*.orig.tar.?z --strip-components=1 --no-same-owner
        tar -xf {package}_*.debian.tar.?z --no-same-owner
        rm {package}_*
        chmod -R go-w ."#
    );
    freshly(to, |new| lists.run(new, &script))
}

/// Postfix's source, of unstable if the mirror really has it: one that lags behind
/// still lists a version whose files are gone.
fn postfix_source(suite: Option<&str>, to: &Path) -> Result<()> {
    let Err(error) = source("postfix", suite, to) else {
        return Ok(());
    };
    if !error.to_string().contains(" 404 ") {
        return Err(error);
    }
    eprintln!("note: taking the stable release's Postfix, since the mirror lacks another: {error}");
    source("postfix", Some("stable"), to)
}

/// The distribution's own Postfix, as a user would install it: the package and
/// the libraries that the host lacks for it in `to/packages`, all of them
/// unpacked in `to/unpacked`.
fn postfix_package(to: &Path) -> Result<()> {
    let lists = Lists::of("deb", None)?;
    let script = r#"mkdir -p packages/partial
        apt-get -c "$APT" -o Dir::Cache::archives="$PWD/packages" --quiet --yes --download-only \
            --reinstall --no-install-recommends install postfix
        for file in packages/*.deb; do
            case ${file#packages/} in
            postfix_* | lib*) dpkg-deb --extract "$file" unpacked ;;
            esac
        done
        touch .unpacked"#;
    freshly(to, |new| lists.run(new, script))
}

/// Package lists that are apart from the host's.
pub struct Lists {
    configuration: PathBuf,
}

impl Lists {
    /// Of binary packages, `deb`, or source packages, `deb-src`, of the host's
    /// release or another one, as they are now: a mirror forgets the files that an
    /// old list names.
    pub fn of(types: &str, suite: Option<&str>) -> Result<Lists> {
        ensure!(
            Command::new("apt-get").arg("--version").output().is_ok(),
            "there is no apt-get here, and what is to be fetched are packages of Debian or its kin"
        );
        let name = format!("{types}-{}", suite.unwrap_or("host"));
        let folder = crate::checkout().join("build/apt").join(name);
        fs::create_dir_all(folder.join("lists/partial"))?;
        fs::write(folder.join("all.sources"), sources(types, suite)?)?;
        let lists = Lists { configuration: folder.join("apt.conf") };
        // Read after the host's configuration, whose hooks are about the host.
        let top = folder.display();
        let configuration = format!(
            r#"#clear APT::Update;
#clear DPkg;
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Debug::NoLocking "true";
Acquire::Retries "3";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Dir::Etc::sourcelist "{top}/all.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State "{top}";
Dir::Cache "{top}";
"#
        );
        fs::write(&lists.configuration, configuration)?;
        let updated = lists.run(&folder, r#"apt-get -c "$APT" --quiet update"#);
        let files = files_of(&folder.join("lists"))?;
        if let Some(suite) = suite {
            note_expiry(suite, &files)?;
        }
        match updated {
            // A list that the mirror is just replacing fails, and is tried again.
            Err(why) if suite.is_none() && !files.is_empty() => {
                eprintln!("note: not all package lists were fetched: {why}");
            }
            other => other?,
        }
        Ok(lists)
    }

    /// Runs a script of the shell in a folder, in which `-c "$APT"` makes apt use
    /// these lists; in English, since its errors are read.
    pub fn run(&self, folder: &Path, script: &str) -> Result<()> {
        let output = Command::new("sh")
            .args(["-euxc", script])
            .current_dir(folder)
            .env("APT", &self.configuration)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::inherit())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        eprint!("{said}");
        if output.status.success() { Ok(()) } else { Err(failure(&said)) }
    }
}

/// A mirror that lags behind serves an unstable whose list has expired.
pub(crate) fn note_expiry(suite: &str, lists: &[PathBuf]) -> Result<()> {
    for list in lists {
        let text = fs::read_to_string(list).unwrap_or_default();
        let Some(until) = text.lines().find_map(|l| l.strip_prefix("Valid-Until: ")) else {
            continue;
        };
        let sh = Shell::new()?;
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
fn failure(said: &str) -> crate::anyhow::Error {
    let Some(error) = said.lines().find(|line| line.starts_with("E: ")) else {
        let last = said.lines().rfind(|line| !line.starts_with('+'));
        return crate::anyhow::anyhow!("{}", last.unwrap_or("it gave no reason"));
    };
    if error.contains("does not have a Release file") {
        return crate::anyhow::anyhow!("the mirror has no such release: {error}");
    }
    if error.contains("Unable to find a source package") || error.contains("Unable to locate") {
        return crate::anyhow::anyhow!("apt-get: {error}");
    }
    crate::anyhow::anyhow!(
        "apt-get: {error}. Is there a network, and does the mirror answer? No test has failed"
    )
}

/// Prints the entries of /etc/apt, in both of the formats that apt reads, for the
/// host's distribution, with one place in each stanza. Other people's, of which
/// one may be stale, are left out. `$1` are the types to write, and `$2` is the
/// release, if not the host's.
const SOURCES: &str = r#"
. /etc/os-release
cd /etc/apt
for file in sources.list sources.list.d/*.list sources.list.d/*.sources; do
    [ -e "$file" ] || continue
    case $file in
    *.sources) sed '/^#/d' "$file"; echo ;;
    # deb [signed-by=KEY] URI SUITE COMPONENT...
    *.list) sed -En 's/\t/ /g
        s/^deb(-src)? +(\[([^]]*)\])? *([^ ]+) +([^ ]+)([^#]*).*/Options: \3\nURIs: \4\nSuites: \5\nComponents:\6\n/p
        ' "$file" ;;
    esac
done | awk -v types="$1" -v wanted="$2" -v codename="$VERSION_CODENAME" '
BEGIN { RS = ""; FS = "\n" }
{
    gsub(/\n[ \t]/, "\r ") # a value goes on in lines that begin with a space
    others = ""
    split("", value)
    for (i = 1; i <= NF; i++) {
        name = tolower($i); sub(/:.*/, "", name)
        text = $i; sub(/^[^:]*:/, "", text); gsub(/\r/, "", text)
        value[name] = text
        if (name !~ /^(types|uris|suites|architectures|enabled|options)$/) others = others $i "\n"
    }
    for (i = split(value["options"], options, " "); i; i--) {
        sub(/=/, ": ", options[i])
        if (options[i] !~ /^arch/) others = others options[i] "\n"
    }
    gsub(/\r/, "\n", others)
    # A mirror that lags behind serves a list that has expired.
    is_unstable = wanted ~ /^(sid|unstable)$/
    if (is_unstable) others = others "Check-Valid-Until: no\n"
    if (value["enabled"] ~ /no/) next
    for (i = 1; i <= split(value["uris"], uris, " "); i++)
        for (j = 1; j <= split(value["suites"], suites, " "); j++) {
            release = suites[j]; sub(/[-\/].*/, "", release)
            part = substr(suites[j], length(release) + 1)
            if (release != codename && release !~ /^(sid|unstable|testing|stable|oldstable)$/) continue
            if (part && is_unstable) continue # it has neither updates nor security of its own
            place = "URIs: " uris[i] "\nSuites: " (wanted ? wanted : release) part "\n"
            # Source entries beside binary ones name the same places once more.
            if (!seen[place]++) printf "Types: %s\n%s%s\n", types, place, others
        }
}'
"#;

/// Where packages come from, as text for a .sources file, with one place in each
/// stanza: the host's entries for its distribution, or for another release.
pub fn sources(types: &str, suite: Option<&str>) -> Result<String> {
    let (sh, wanted) = (Shell::new()?, suite.unwrap_or_default());
    let text = cmd!(sh, "sh -euc {SOURCES} sh {types} {wanted}").quiet().read()?;
    ensure!(!text.is_empty(), "/etc/apt names no source of this release's packages");
    Ok(text + "\n")
}

/// Fills a new folder, which takes its name only when all went well.
pub fn freshly(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut new = folder.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    for old in [folder, &new] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    fs::create_dir_all(&new)?;
    fill(&new)?;
    Ok(fs::rename(&new, folder)?)
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
