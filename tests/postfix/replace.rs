//! The object is put into built Postfix trees and taken out again, by
//! `tools/postfix-object`, whatever interrupts it.

use super::documented;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use testenv::prelude::*;
use testenv::tree::{self, Kind};
use testenv::xshell::Cmd;

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![
        replace_lists_the_programs_that_nm_finds,
        replace_holds_through_make_and_the_same_makefiles,
        replace_twice_changes_nothing,
        replace_takes_another_build_of_ours,
        restore_goes_on_where_it_was_killed,
        restore_needs_no_object_of_ours,
        failing_make_brings_back_the_c_object,
        each_tree_has_its_own_log,
        two_at_once_are_refused,
        link_time_optimised_programs_are_judged,
        programs_stripped_at_link_are_judged,
        verify_tells_of_a_touched_header,
        verify_tells_of_other_makefiles,
        verify_tells_of_an_object_with_an_old_time,
        verify_tells_what_an_archive_loses,
        verify_tells_what_a_copied_tree_loads,
        verify_tells_of_an_empty_program,
        code_labels_every_file,
        what_is_no_tree_is_refused,
        what_is_not_built_is_refused,
        what_is_too_old_is_refused,
        what_is_not_writable_is_refused,
        what_is_no_object_for_this_tree_is_refused,
        what_was_put_by_hand_is_refused,
        what_was_not_replaced_is_not_restored,
        make_without_a_tree_is_refused,
    ];
    for (name, stock) in super::trees() {
        cases.push(Case::new(
            format!("postfix::replace::{name}::restore_brings_back_every_byte"),
            move || restore_brings_back_every_byte(&stock),
        ));
    }
    for program in ["anvil", "smtpd", "virtual"] {
        cases.push(Case::new(
            format!("postfix::replace::link_of_{program}_killed::replace_ends_it_well"),
            move || killed_link(program),
        ));
    }
    // Each links Postfix several times.
    cases.into_iter().map(|case| case.limit(400)).collect()
}

const ALL_OURS: &str = "contain our code";
const NOT_OURS: &str = "do not contain our code";

/// `tools/postfix-object ACTION WORD...`
fn tool<'a>(sh: &'a Shell, action: &str, words: &[&Path]) -> Cmd<'a> {
    let tool = testenv::checkout().join("tools/postfix-object");
    cmd!(sh, "{tool} {action} {words...}")
}

/// What a command says that must succeed, with this text in its last line.
fn says(text: &str, command: Cmd<'_>) -> Result<String> {
    let said = command.read()?;
    eprintln!("{said}");
    let last = said.lines().last().unwrap_or_default();
    ensure!(last.contains(text), "no \"{text}\" in the last line");
    Ok(said)
}

fn contains(said: &str, text: &str) -> Result<()> {
    ensure!(said.contains(text), "no \"{text}\" in what it says");
    Ok(())
}

/// A copy of a stock tree, in a folder whose name has a space.
fn copy_of(stock: &Path) -> Result<PathBuf> {
    let tree = scratch().join("a tree");
    tree::copy(stock, &tree)?;
    Ok(tree)
}

/// Where each program counts.
fn static_copy() -> Result<PathBuf> {
    copy_of(&tree::stock(Kind::Static))
}

/// A copy that is linked once more, since the debug information of some programs
/// names the folder.
fn linked_here(stock: &Path) -> Result<PathBuf> {
    let tree = copy_of(stock)?;
    touch(&tree.join("src/master/single_server.o"))?;
    tree::make(&tree, &[])?;
    Ok(tree)
}

fn touch(file: &Path) -> Result<()> {
    Ok(fs::File::open(file)?.set_modified(std::time::SystemTime::now())?)
}

/// Where one link is enough.
fn shared_copy() -> Result<PathBuf> {
    copy_of(&tree::stock(Kind::Shared))
}

/// The bytes of every file.
fn bytes(tree: &Path) -> Result<BTreeMap<String, String>> {
    let sh = Shell::new()?;
    sh.change_dir(tree);
    let sums = cmd!(sh, "find . -type f -exec cksum '{}' +").quiet().read()?;
    let sums = sums.lines().filter_map(|line| line.split_once(" ./"));
    Ok(sums.map(|(sum, name)| (name.into(), sum.into())).collect())
}

/// And the mode, owner and time of everything.
fn state(tree: &Path) -> Result<impl PartialEq + std::fmt::Debug> {
    let sh = Shell::new()?;
    sh.change_dir(tree);
    let names = cmd!(sh, "find . -printf '%p %y %m %u %s %T@\\n'").quiet().read()?;
    let mut names: Vec<_> = names.lines().map(str::to_owned).collect();
    names.sort();
    Ok((names, bytes(tree)?))
}

/// It refuses, and leaves no trace in the tree.
fn refuses_unchanged(tree: &Path, text: &str, command: Cmd<'_>) -> Result<()> {
    let before = state(tree)?;
    refuses(text, command)?;
    ensure!(state(tree)? == before, "it has changed {}", tree.display());
    Ok(())
}

/// Both hold the same files with the same bytes.
fn ensure_same(now: &BTreeMap<String, String>, then: &BTreeMap<String, String>) -> Result<()> {
    let differ = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
        a.iter()
            .filter(|(name, sum)| b.get(*name) != Some(sum))
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    let (new, old) = (differ(now, then), differ(then, now));
    ensure!(
        new.is_empty() && old.is_empty(),
        "these differ now: {new:?}; these did not exist or differed then: {old:?}"
    );
    Ok(())
}

/// A PATH on which these programs come first.
fn path_with(programs: &[(&str, &str)]) -> Result<String> {
    let folder = scratch().join("bin");
    _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder)?;
    for (name, script) in programs {
        let file = folder.join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n"))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(format!("{}:{}", folder.display(), std::env::var("PATH")?))
}

/// Runs the tool with these programs first, and one of them kills all of it.
fn is_killed(action: &str, tree: &Path, programs: &[(&str, &str)]) -> Result<()> {
    let status = Command::new("setsid")
        .arg(testenv::checkout().join("tools/postfix-object"))
        .arg(action)
        .arg(tree)
        .env("PATH", path_with(programs)?)
        .status()?;
    ensure!(status.signal() == Some(9), "it was not killed: {status}");
    Ok(())
}

const KILLED_AT_ONCE: (&str, &str) = ("make", "kill -9 0");

fn log_of(tree: &Path) -> PathBuf {
    tree.join("src/master/master_proto.o.log")
}

/// What make said in the last replacement: links, and nothing compiled.
fn ensure_nothing_compiled(tree: &Path) -> Result<()> {
    let log = fs::read_to_string(log_of(tree))?;
    contains(&log, " -o ")?;
    let compiled = log.lines().find(|line| line.contains(" -c ") && line.contains(".c"));
    ensure!(compiled.is_none(), "make has compiled: {compiled:?}");
    Ok(())
}

/// Changes a setting of a built tree so that nothing seems to be newer.
fn set(tree: &Path, name: &str, value: &str) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(tree);
    let edit = format!("s|^{name}[[:space:]]*=.*|{name} = {value}|");
    let script = "for file in conf/makedefs.out src/*/Makefile; do
        touch -r $file /tmp/time; sed -i -e \"$1\" $file; touch -r /tmp/time $file
    done";
    Ok(cmd!(sh, "sh -c {script} sh {edit}").run()?)
}

// What must hold in every tree.

/// Our make hands down flags and a job server.
fn restore_brings_back_every_byte(stock: &Path) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(testenv::checkout());
    let tree = linked_here(stock)?;
    let object = artefact("master_proto.o");
    let built = bytes(&tree)?;
    let said = refuses(NOT_OURS, tool(&sh, "verify", &[&tree]))?;
    ensure!(!said.contains("ours "), "ours is in a stock tree");
    // The words of the document, without building the object.
    for words in documented::block("make postfix-replace POSTFIX=")?.lines() {
        let words = words
            .replace("make ", "make -j4 -o all ")
            .replace("/path/to/tree", &format!("'{}'", tree.display()));
        cmd!(sh, "sh -c {words}").run()?;
        if words.contains("postfix-replace") {
            ensure_nothing_compiled(&tree)?;
            ensure!(fs::read(&object)? == fs::read(tree.join("src/master/master_proto.o"))?);
            says(ALL_OURS, tool(&sh, "verify", &[&tree]))?;
        }
    }
    ensure_same(&bytes(&tree)?, &built)?;
    refuses(NOT_OURS, tool(&sh, "verify", &[&tree]))?;
    Ok(())
}

fn replace_lists_the_programs_that_nm_finds() -> Result<()> {
    let sh = Shell::new()?;
    let tree = static_copy()?;
    let object = artefact("master_proto.o");
    let said = says(ALL_OURS, tool(&sh, "replace", &[&tree, &object]))?;
    let mut listed: Vec<_> =
        said.lines().filter_map(|line| line.strip_prefix("ours     ")).collect();
    listed.sort_unstable();
    let stock = tree::stock(Kind::Static);
    sh.change_dir(&stock);
    let script = "for file in lib/libmaster.a libexec/* bin/*; do
        nm $file 2>/dev/null | grep -q ' T master_notify$' && echo $file
    done; :";
    let expected = cmd!(sh, "sh -c {script}").read()?;
    let mut expected: Vec<_> = expected.lines().collect();
    expected.sort_unstable();
    ensure!(expected.len() > 20, "only {expected:?}");
    ensure!(listed == expected, "{listed:?} instead of {expected:?}");
    Ok(())
}

fn replace_holds_through_make_and_the_same_makefiles() -> Result<()> {
    let sh = Shell::new()?;
    let tree = static_copy()?;
    tool(&sh, "replace", &[&tree]).run()?;
    tree::make(&tree, &[])?;
    says(ALL_OURS, tool(&sh, "verify", &[&tree]))?;
    makefiles(&tree, "")?;
    tree::make(&tree, &[])?;
    says(ALL_OURS, tool(&sh, "verify", &[&tree]))?;
    Ok(())
}

/// Postfix's configuration, as the stock trees have it.
fn makefiles(tree: &Path, flags: &str) -> Result<()> {
    let flags = format!("CCARGS=-DNO_DB -DNO_NIS -DNO_EAI -DNO_PCRE{flags}");
    let words = [
        "makefiles",
        "shared=no",
        "dynamicmaps=no",
        "default_database_type=texthash",
        "default_cache_db_type=texthash",
        &flags,
        "AUXLIBS=",
    ];
    tree::make(tree, &words)
}

fn replace_twice_changes_nothing() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    tool(&sh, "replace", &[&tree]).run()?;
    let before = state(&tree)?;
    says("Nothing was changed", tool(&sh, "replace", &[&tree]))?;
    ensure!(state(&tree)? == before, "the second time has changed it");
    Ok(())
}

/// As after an update of ours: the C object is the one that was kept first.
fn replace_takes_another_build_of_ours() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    let c = fs::read(tree.join("src/master/master_proto.o"))?;
    let another = scratch().join("another.o");
    fs::write(&another, [&fs::read(artefact("master_proto.o"))?[..], b"\n"].concat())?;
    tool(&sh, "replace", &[&tree, &another]).run()?;
    let said = says(ALL_OURS, tool(&sh, "verify", &[&tree]))?;
    contains(&said, "is another build of ours (master_proto 1")?;
    says(ALL_OURS, tool(&sh, "replace", &[&tree]))?;
    tool(&sh, "restore", &[&tree]).run()?;
    ensure!(fs::read(tree.join("src/master/master_proto.o"))? == c);
    Ok(())
}

// Killed, failing, at the same time.

/// The linker is killed when it has made its output, and all else with it. Then
/// somebody's make takes what is left for a program.
fn killed_link(program: &'static str) -> Result<()> {
    let sh = Shell::new()?;
    let stock = tree::stock(Kind::Static);
    let tree = copy_of(&stock)?;
    let compiler = format!(
        "case \" $* \" in
        *' -o {program} '*)
            rm -f {program}
            /usr/bin/gcc \"$@\" &
            until [ -e {program} ]; do :; done
            kill -9 0 ;;
        esac
        exec /usr/bin/gcc \"$@\""
    );
    is_killed("replace", &tree, &[("gcc", &compiler)])?;
    let linked = tree.join("src").join(program).join(program);
    // The kill comes early or late; the worst is an empty program.
    fs::write(&linked, "")?;
    let said = refuses(NOT_OURS, tool(&sh, "verify", &[&tree]))?;
    contains(&said, &format!("C        libexec/{program}\n"))?;
    contains(&said, "or was interrupted. Run 'postfix-object replace")?;
    tree::make(&tree, &[])?;
    ensure!(fs::metadata(tree.join("libexec").join(program))?.len() == 0);
    let said = refuses(NOT_OURS, tool(&sh, "verify", &[&tree]))?;
    contains(&said, &format!("empty    libexec/{program}\n"))?;
    says(ALL_OURS, tool(&sh, "replace", &[&tree]))?;
    // As if nothing had happened.
    let killed = scratch().join("killed");
    fs::rename(&tree, &killed)?;
    let tree = copy_of(&stock)?;
    tool(&sh, "replace", &[&tree]).run()?;
    for folder in ["libexec", "lib"] {
        ensure_same(&bytes(&killed.join(folder))?, &bytes(&tree.join(folder))?)?;
    }
    Ok(())
}

/// At its start, between the C object and the links, and in a link.
fn restore_goes_on_where_it_was_killed() -> Result<()> {
    let sh = Shell::new()?;
    let tree = linked_here(&tree::stock(Kind::Static))?;
    let built = bytes(&tree)?;
    tool(&sh, "replace", &[&tree]).run()?;
    is_killed("restore", &tree, &[KILLED_AT_ONCE])?;
    let said = refuses("was interrupted", tool(&sh, "verify", &[&tree]))?;
    contains(&said, "ours     libexec/anvil\n")?;
    is_killed("restore", &tree, &[KILLED_AT_ONCE])?;
    fs::write(tree.join("src/anvil/anvil"), "")?;
    fs::write(tree.join("libexec/anvil"), "")?;
    says("contains the C object again", tool(&sh, "restore", &[&tree]))?;
    ensure_same(&bytes(&tree)?, &built)
}

fn restore_needs_no_object_of_ours() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    tool(&sh, "replace", &[&tree]).run()?;
    let (from, to) = (testenv::checkout().join("tools"), scratch().join("tools"));
    cmd!(sh, "cp -R {from} {to}").run()?;
    let alone = to.join("postfix-object");
    refuses_unchanged(
        &tree,
        "Run 'make' first; nothing was changed",
        cmd!(sh, "{alone} replace {tree}"),
    )?;
    says("contains the C object again", cmd!(sh, "{alone} restore {tree}"))?;
    Ok(())
}

fn failing_make_brings_back_the_c_object() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    let c = fs::read(tree.join("src/master/master_proto.o"))?;
    let path = path_with(&[("make", "echo no room; exit 1")])?;
    let said = refuses("the C object is back", tool(&sh, "replace", &[&tree]).env("PATH", path))?;
    contains(&said, "no room\n")?;
    ensure!(fs::read(tree.join("src/master/master_proto.o"))? == c);
    refuses(NOT_OURS, tool(&sh, "verify", &[&tree]))?;
    says("contains the C object again", tool(&sh, "restore", &[&tree]))?;
    Ok(())
}

/// Two trees at the same time, from one checkout.
fn each_tree_has_its_own_log() -> Result<()> {
    let sh = Shell::new()?;
    let hold = scratch().join("hold");
    cmd!(sh, "mkfifo {hold}").run()?;
    let path = path_with(&[("make", "echo in $(pwd); cat /tmp/hold; exit 1")])?;
    let mut running = Vec::new();
    for name in ["one", "two"] {
        let tree = scratch().join(name);
        tree::copy(&tree::stock(Kind::Shared), &tree)?;
        let mut command: Command = tool(&sh, "replace", &[&tree]).env("PATH", &path).into();
        running.push((name, tree, command.stderr(std::process::Stdio::piped()).spawn()?));
    }
    let open = fs::File::options().write(true).open(&hold)?;
    wait_until(Duration::from_secs(60), "both are in their makes", || {
        running.iter().all(|(_, tree, _)| fs::metadata(log_of(tree)).is_ok_and(|log| log.len() > 0))
    })?;
    drop(open);
    for (name, tree, child) in running {
        let said = String::from_utf8(child.wait_with_output()?.stderr)?;
        contains(&said, &format!("in /tmp/{name}\n"))?;
        let log = log_of(&tree);
        contains(&said, &format!("The full log: {}", log.display()))?;
        ensure!(fs::read_to_string(log)? == format!("in /tmp/{name}\n"));
    }
    Ok(())
}

fn two_at_once_are_refused() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    let hold = scratch().join("hold");
    cmd!(sh, "mkfifo {hold}").run()?;
    let path = path_with(&[("make", "cat /tmp/hold; exit 1")])?;
    let mut first: Command = tool(&sh, "replace", &[&tree]).env("PATH", path).into();
    let mut first = first.spawn()?;
    // Opens when the first is in its make.
    let open = fs::File::options().write(true).open(&hold)?;
    for action in ["replace", "restore"] {
        let text = "another replace or restore is at work";
        refuses_unchanged(&tree, text, tool(&sh, action, &[&tree]))?;
    }
    drop(open);
    ensure!(!first.wait()?.success());
    Ok(())
}

// Programs that do not show their symbols.

/// The C code is local or inlined in each program then.
fn link_time_optimised_programs_are_judged() -> Result<()> {
    let tree = static_copy()?;
    for entry in fs::read_dir(tree.join("src/master"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "o") {
            fs::remove_file(path)?;
        }
    }
    tree::make(&tree.join("src/master"), &["OPT=-O -flto", "DEBUG=", "update"])?;
    tree::make(&tree, &[])?;
    let sh = Shell::new()?;
    let smtpd = tree.join("libexec/smtpd");
    let symbols = cmd!(sh, "nm {smtpd}").read()?;
    ensure!(!symbols.contains(" T master_notify"), "smtpd is not optimised at link time");
    is_judged(&tree)
}

fn programs_stripped_at_link_are_judged() -> Result<()> {
    let tree = static_copy()?;
    set(&tree, "SYSLIBS", &format!("{} -s", tree::setting(&tree, "SYSLIBS")?))?;
    touch(&tree.join("src/master/single_server.o"))?;
    tree::make(&tree, &[])?;
    let sh = Shell::new()?;
    let smtpd = tree.join("libexec/smtpd");
    ensure!(cmd!(sh, "nm {smtpd}").read()?.is_empty(), "smtpd is not stripped");
    is_judged(&tree)
}

/// All programs are counted, interrupted or not, and restore ends well.
fn is_judged(tree: &Path) -> Result<()> {
    let sh = Shell::new()?;
    is_killed("replace", tree, &[KILLED_AT_ONCE])?;
    let said = refuses(NOT_OURS, tool(&sh, "verify", &[tree]))?;
    ensure!(!said.contains("ours "), "stock programs are called ours");
    let count = said.lines().filter(|line| line.starts_with("C ")).count();
    ensure!(count > 20, "only {count} files are judged");
    says(&format!("all {count} files"), tool(&sh, "replace", &[tree]))?;
    says("contains the C object again", tool(&sh, "restore", &[tree]))?;
    Ok(())
}

// What undoes a replacement.

fn verify_tells_of_a_touched_header() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    tool(&sh, "replace", &[&tree]).run()?;
    touch(&tree.join("src/master/master_proto.h"))?;
    let said = says(ALL_OURS, tool(&sh, "verify", &[&tree]))?;
    contains(
        &said,
        "compiles the C file over our object, since these are newer: src/master/master_proto.h",
    )?;
    tree::make(&tree, &[])?;
    let said = refuses(NOT_OURS, tool(&sh, "verify", &[&tree]))?;
    contains(&said, "make has compiled src/master/master_proto.c over our object")?;
    says(ALL_OURS, tool(&sh, "replace", &[&tree]))?;
    Ok(())
}

/// Only the folder is made: the whole would compile all of Postfix.
fn verify_tells_of_other_makefiles() -> Result<()> {
    let sh = Shell::new()?;
    let tree = static_copy()?;
    tool(&sh, "replace", &[&tree]).run()?;
    makefiles(&tree, " -DOTHER")?;
    let said = says(ALL_OURS, tool(&sh, "verify", &[&tree]))?;
    contains(&said, "since these are newer: conf/makedefs.out")?;
    tree::make(&tree.join("src/master"), &["update"])?;
    let said = refuses(NOT_OURS, tool(&sh, "verify", &[&tree]))?;
    contains(&said, "make has compiled src/master/master_proto.c over our object")
}

fn verify_tells_of_an_object_with_an_old_time() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    let (object, target) = (scratch().join("old.o"), tree.join("src/master/master_proto.o"));
    fs::copy(artefact("master_proto.o"), &object)?;
    cmd!(sh, "touch -d 2001-01-01 {object}").run()?;
    cmd!(sh, "cp -p {object} {target}").run()?;
    let said = refuses(NOT_OURS, tool(&sh, "verify", &[&tree, &object]))?;
    contains(&said, "the next make in /tmp/a tree compiles the C file over our object")?;
    tree::make(&tree, &[])?;
    let said = refuses(NOT_OURS, tool(&sh, "verify", &[&tree, &object]))?;
    ensure!(!said.contains("ours "));
    Ok(())
}

/// An object put into the archive is lost in the next make that changes it.
fn verify_tells_what_an_archive_loses() -> Result<()> {
    let sh = Shell::new()?;
    let tree = static_copy()?;
    let (library, object) = (tree.join("lib/libmaster.a"), artefact("master_proto.o"));
    cmd!(sh, "ar r {library} {object}").run()?;
    tree::make(&tree, &[])?;
    let said = says(ALL_OURS, tool(&sh, "verify", &[&tree]))?;
    contains(&said, "our object was linked from elsewhere; the next make")?;
    touch(&tree.join("src/master/single_server.o"))?;
    tree::make(&tree, &[])?;
    refuses(NOT_OURS, tool(&sh, "verify", &[&tree]))?;
    Ok(())
}

fn verify_tells_what_a_copied_tree_loads() -> Result<()> {
    let sh = Shell::new()?;
    let stock = tree::stock(Kind::Shared);
    let tree = copy_of(&stock)?;
    let said = says(ALL_OURS, tool(&sh, "replace", &[&tree]))?;
    let loaded = stock.join("lib/libpostfix-master.so");
    contains(&said, &format!("load {}, whose code is: C\n", loaded.display()))?;
    tree::mount_over(&tree, &stock)?;
    let said = says(ALL_OURS, tool(&sh, "verify", &[&stock]))?;
    ensure!(!said.contains("note: the programs"), "the very library is called another");
    Ok(())
}

fn verify_tells_of_an_empty_program() -> Result<()> {
    let sh = Shell::new()?;
    let tree = static_copy()?;
    tool(&sh, "replace", &[&tree]).run()?;
    fs::write(tree.join("libexec/virtual"), "")?;
    let said = refuses("1 of the 27 files", tool(&sh, "verify", &[&tree]))?;
    contains(&said, "empty    libexec/virtual\n")?;
    fs::remove_file(tree.join("libexec/virtual"))?;
    let said = refuses("1 of the 27 files", tool(&sh, "verify", &[&tree]))?;
    contains(&said, "missing  libexec/virtual\n")?;
    says(ALL_OURS, tool(&sh, "replace", &[&tree]))?;
    Ok(())
}

fn code_labels_every_file() -> Result<()> {
    let sh = Shell::new()?;
    let stripped = scratch().join("stripped");
    let (smtpd, object) =
        (tree::stock(Kind::Static).join("libexec/smtpd"), artefact("master_proto.o"));
    cmd!(sh, "strip -s -o {stripped} {smtpd}").run()?;
    let empty = scratch().join("empty");
    fs::write(&empty, "")?;
    let caller = tree::stock(Kind::Static).join("src/master/single_server.o");
    let table = [
        ("ours", object),
        ("ours", artefact("libmaster_proto.a")),
        ("ours", artefact("libmaster_proto.so")),
        ("C", smtpd),
        ("C", stripped),
        ("C", tree::stock(Kind::Shared).join("lib/libpostfix-master.so")),
        ("none", caller),
        ("none", tree::stock(Kind::Shared).join("libexec/smtpd")),
        ("none", PathBuf::from("/bin/sh")),
        ("empty", empty),
    ];
    let files: Vec<_> = table.iter().map(|(_, file)| file.as_path()).collect();
    let said = tool(&sh, "code", &files).read()?;
    let expected: Vec<_> =
        table.iter().map(|(code, file)| format!("{code:8} {}", file.display())).collect();
    ensure!(said.lines().eq(expected.iter().map(String::as_str)), "{said}");
    refuses("there is no file", tool(&sh, "code", &[Path::new("/nowhere")]))?;
    Ok(())
}

// What is refused, without a change.

const ACTIONS: [&str; 3] = ["replace", "restore", "verify"];

fn what_is_no_tree_is_refused() -> Result<()> {
    let sh = Shell::new()?;
    let tree = scratch().join("nothing");
    fs::create_dir(&tree)?;
    fs::write(tree.join("file"), "hello\n")?;
    for action in ACTIONS {
        refuses_unchanged(&tree, "is not a Postfix source tree", tool(&sh, action, &[&tree]))?;
        refuses("is not a folder", tool(&sh, action, &[Path::new("/nowhere")]))?;
    }
    refuses("usage: ", tool(&sh, "replace", &[]))?;
    refuses("usage: ", tool(&sh, "rename", &[&tree]))?;
    Ok(())
}

fn what_is_not_built_is_refused() -> Result<()> {
    let sh = Shell::new()?;
    let tree = copy_of(&tree::source())?;
    for action in ACTIONS {
        refuses_unchanged(&tree, "nothing was changed", tool(&sh, action, &[&tree]))?;
        refuses(
            "is not built yet. Run Postfix's own 'make' there first",
            tool(&sh, action, &[&tree]),
        )?;
    }
    Ok(())
}

fn what_is_too_old_is_refused() -> Result<()> {
    let sh = Shell::new()?;
    let tree = scratch().join("old");
    fs::create_dir_all(tree.join("src/master"))?;
    fs::create_dir(tree.join("libexec"))?;
    fs::write(tree.join("src/master/master_proto.h"), "extern int master_notify(int, int);\n")?;
    for name in ["src/master/master_proto.c", "src/master/master_proto.o", "libexec/smtpd"] {
        fs::write(tree.join(name), "")?;
    }
    for action in ACTIONS {
        refuses_unchanged(&tree, "is older than Postfix 2.2", tool(&sh, action, &[&tree]))?;
    }
    Ok(())
}

/// In any of the folders that make writes to.
fn what_is_not_writable_is_refused() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    let tool = testenv::checkout().join("tools/postfix-object");
    cmd!(sh, "chown -R postfix {tree}").run()?;
    for folder in ["lib", "src/smtpd"] {
        let folder = tree.join(folder);
        cmd!(sh, "chown root {folder}").run()?;
        let text = format!("{} is not writable for postfix", folder.display());
        let user = ["--reuid=postfix", "--regid=postfix", "--clear-groups"];
        refuses_unchanged(&tree, &text, cmd!(sh, "setpriv {user...} {tool} replace {tree}"))?;
        cmd!(sh, "chown postfix {folder}").run()?;
    }
    Ok(())
}

fn what_is_no_object_for_this_tree_is_refused() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    // The machine number in the ELF header: that of no other processor here.
    let other = scratch().join("other.o");
    let mut bytes = fs::read(artefact("master_proto.o"))?;
    bytes[18..20].copy_from_slice(&[0xff, 0xfe]);
    fs::write(&other, bytes)?;
    refuses_unchanged(
        &tree,
        "is for another architecture",
        tool(&sh, "replace", &[&tree, &other]),
    )?;
    let c = tree::stock(Kind::Static).join("src/master/master_proto.o");
    refuses_unchanged(&tree, "has no note of ours", tool(&sh, "replace", &[&tree, &c]))?;
    let nowhere = Path::new("/nowhere.o");
    refuses_unchanged(&tree, "there is no /nowhere.o", tool(&sh, "replace", &[&tree, nowhere]))
}

fn what_was_put_by_hand_is_refused() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    fs::copy(artefact("master_proto.o"), tree.join("src/master/master_proto.o"))?;
    refuses_unchanged(&tree, "Nothing was changed", tool(&sh, "replace", &[&tree]))?;
    refuses("no C object was kept", tool(&sh, "replace", &[&tree]))?;
    Ok(())
}

fn what_was_not_replaced_is_not_restored() -> Result<()> {
    let sh = Shell::new()?;
    let tree = shared_copy()?;
    refuses_unchanged(&tree, "was not replaced", tool(&sh, "restore", &[&tree]))
}

fn make_without_a_tree_is_refused() -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(testenv::checkout());
    for action in ACTIONS {
        let said = cmd!(sh, "make -o all postfix-{action}").ignore_status().output()?;
        ensure!(!said.status.success());
        contains(&String::from_utf8(said.stderr)?, "POSTFIX= is missing")?;
    }
    Ok(())
}
