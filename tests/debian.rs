//! Debian's own postfix package, built with our object inside as
//! docs/postfix.md says, and compared with the package that Debian ships.

#[path = "postfix/documented.rs"]
mod documented;

use nix::time::{ClockId, clock_gettime};
use std::collections::BTreeSet;
use std::fs;
use testenv::instance::Instance;
use testenv::prelude::*;
use testenv::tree;

/// One case, since it takes minutes to have what the rest looks at.
fn main() -> std::process::ExitCode {
    let name = "debian::package_with_ours_runs_and_is_otherwise_the_one_that_debian_ships";
    testenv::runner::main(vec![Case::new(name, package).limit(1800)])
}

fn package() -> Result<()> {
    let source = scratch().join("postfix-source");
    tree::copy(&tree::named("debian-source"), &source)?;
    build(&source)?;
    only_links_were_made(&source)?;

    let (ours, stock) = (scratch().join("package"), tree::named("debian-binary/unpacked"));
    let file = package_file(&scratch())?;
    let sh = Shell::new()?;
    cmd!(sh, "dpkg -x {file} {ours}").run()?;
    version_is_newer_until_debian_updates(&file)?;
    code_is_ours_in_the_library_alone(&ours)?;
    let library = "usr/lib/postfix/libpostfix-master.so";
    same_marks(&ours.join(library), &stock.join(library))?;
    // With the libraries that the host lacks for the stock package.
    let installed = scratch().join("installed");
    cmd!(sh, "cp -R {stock} {installed}").run()?;
    cmd!(sh, "dpkg -x {file} {installed}").run()?;
    tree::install(&installed)?;
    runs()
}

/// The commands of the document, those for root; that they and the ones for an
/// ordinary user do the same can be seen.
fn build(source: &Path) -> Result<()> {
    let as_root = documented::block("setpriv --bounding-set")?;
    let as_user = documented::block("debian/rules\n")?;
    let (confined, command) = as_root.split_once("dpkg-buildpackage").context("no command")?;
    let confined = confined.replace("MASTER_PROTO=/path/to/master_proto ", "");
    ensure!(
        as_user.ends_with(&as_root.replace(&confined, "")),
        "not the same for root and others: {as_user}{as_root}"
    );
    let here =
        |text: &str| text.replace("/path/to/master_proto", &checkout().display().to_string());
    let edits = as_user.lines().filter(|line| !line.contains("dpkg-buildpackage"));
    let edits: Vec<_> = edits.map(here).collect();
    ensure!(edits.len() == 2, "not two edits: {as_user}");

    let sh = Shell::new()?;
    sh.change_dir(source);
    let words = format!("{confined}cat /proc/self/status");
    let status = cmd!(sh, "sh -c {words}").read()?;
    for line in status.lines().filter(|line| line.starts_with("Cap") && !line.starts_with("CapAmb"))
    {
        let (set, bits) = line.split_once(":\t").context("a line of capabilities")?;
        let may_set_clock = (u64::from_str_radix(bits, 16)? >> 25) & 1 == 1;
        ensure!(!may_set_clock, "{set} still has CAP_SYS_TIME: {bits}");
    }

    let before = clock()?;
    let edits = edits.join("\n");
    cmd!(sh, "sh -euxc {edits}").run()?;
    let command = here(
        &as_root.replace(command, &format!("{command} >/tmp/build.log 2>&1")).replace("\n >", " >"),
    );
    let built = cmd!(sh, "sh -c {command}").run();
    let log = fs::read_to_string("/tmp/build.log")?;
    let lines: Vec<_> = log.lines().collect();
    if let Err(error) = built {
        bail!("{}\n{error}", lines[lines.len().saturating_sub(30)..].join("\n"));
    }
    let moved = (clock()? - before).abs();
    ensure!(moved < 5, "the clock has moved by {moved} s");
    // Debian 12's rules try it, 13's do not.
    let rules = fs::read_to_string(source.join("debian/rules"))?;
    ensure!(
        !rules.contains("date -s") || log.contains("date: cannot set date"),
        "the rules set the clock, and the build does not say that it was not allowed to"
    );
    Ok(())
}

/// The wall clock, less the time since boot: constant, unless somebody sets it.
fn clock() -> Result<i64> {
    let now = |id| clock_gettime(id).map(|time| time.tv_sec());
    Ok(now(ClockId::CLOCK_REALTIME)? - now(ClockId::CLOCK_BOOTTIME)?)
}

/// All but the two files that the rules of Debian 13 have written anew.
fn only_links_were_made(source: &Path) -> Result<()> {
    let log = fs::read_to_string(source.join("src/master/master_proto.o.log"))?;
    ensure!(log.contains(" -o "), "nothing was linked");
    let compiled = log.lines().filter(|line| line.contains(" -c "));
    let compiled: Vec<_> = compiled
        .filter(|line| !line.ends_with(" postfix.c") && !line.ends_with(" postmulti.c"))
        .collect();
    ensure!(compiled.is_empty(), "make has compiled: {compiled:#?}");
    Ok(())
}

fn package_file(folder: &Path) -> Result<PathBuf> {
    let files = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found = files.filter(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("postfix_") && name.ends_with(".deb")
    });
    found.next().with_context(|| format!("no postfix_*.deb in {}", folder.display()))
}

fn version_is_newer_until_debian_updates(ours: &Path) -> Result<()> {
    let sh = Shell::new()?;
    let stock = package_file(&tree::named("debian-binary/packages"))?;
    let ours = cmd!(sh, "dpkg-deb -f {ours} Version").read()?;
    let stock = cmd!(sh, "dpkg-deb -f {stock} Version").read()?;
    ensure!(ours == format!("{stock}+ours1"), "{ours} after {stock}");
    cmd!(sh, "dpkg --compare-versions {ours} gt {stock}").run()?;
    // As Debian numbers its updates.
    let (rest, last) = stock.rsplit_once('u').context("no update of a release")?;
    let update = format!("{rest}u{}", last.parse::<u32>()? + 1);
    Ok(cmd!(sh, "dpkg --compare-versions {ours} lt {update}").run()?)
}

/// By the command of the document, and no daemon has a copy of its own.
fn code_is_ours_in_the_library_alone(package: &Path) -> Result<()> {
    let sh = Shell::new()?;
    let command = documented::block("readelf -n /usr/lib/postfix")?;
    let command = command.replace(" /usr", &format!(" {}/usr", package.display()));
    let said = cmd!(sh, "sh -c {command}").read()?;
    ensure!(said.contains("  master_proto 1."), "{said}");
    let tool = checkout().join("tools/postfix-object");
    for entry in fs::read_dir(package.join("usr/lib/postfix/sbin"))? {
        let daemon = entry?.path();
        let said = cmd!(sh, "{tool} code {daemon}").read()?;
        ensure!(said.starts_with("none "), "{said}");
    }
    Ok(())
}

/// Exported and undefined symbols, NEEDED, SONAME, RUNPATH, BIND_NOW, RELRO, stack
/// and property notes.
fn same_marks(ours: &Path, stock: &Path) -> Result<()> {
    let script = r#"nm -D --defined-only "$1" | awk '{ print $2, $3 }'
        nm -D --undefined-only "$1" | awk '{ print $NF }'
        readelf -dW "$1" | sed -n 's/.*(\(NEEDED\|SONAME\|RUNPATH\|RPATH\|FLAGS\|FLAGS_1\|BIND_NOW\|TEXTREL\|SYMBOLIC\)) */\1 /p'
        readelf -lW "$1" | sed -n 's/^ *\(GNU_STACK\|GNU_RELRO\) .* \([RWE ]\{3\}\) .*/\1 \2/p'
        readelf -nW "$1" | grep Properties || echo no properties"#;
    let sh = Shell::new()?;
    let of = |file: &Path| -> Result<BTreeSet<String>> {
        let said = cmd!(sh, "sh -c {script} sh {file}").quiet().read()?;
        Ok(said.lines().map(str::to_owned).collect())
    };
    let (ours, stock) = (of(ours)?, of(stock)?);
    for kind in ["T master_notify", "NEEDED ", "SONAME ", "RUNPATH ", "GNU_RELRO ", "GNU_STACK "] {
        ensure!(
            stock.iter().any(|line| line.starts_with(kind)),
            "Debian's has no {kind}: {stock:#?}"
        );
    }
    let differ: Vec<_> = ours.symmetric_difference(&stock).collect();
    ensure!(differ.is_empty(), "these are not in both: {differ:#?}");
    Ok(())
}

fn runs() -> Result<()> {
    let mut postfix = Instance::create(&scratch().join("instance"), Path::new("/"))?;
    postfix.start()?;
    postfix.delivers(5)?;
    let (sh, queue) = (Shell::new()?, postfix.queue());
    let tool = checkout().join("tools/postfix-running");
    cmd!(sh, "{tool} {queue}").run()?;
    postfix.stop()
}
