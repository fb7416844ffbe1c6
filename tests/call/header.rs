//! `include/master_proto.h` compiles alone, and in the place of Postfix's.

use testenv::prelude::*;
use testenv::tree::{self, Kind};

pub fn cases() -> Vec<Case> {
    // The names that compilers of 2022 know; C23 and C++23 were drafts.
    let c = "c89 c99 c11 c17 c2x";
    let cplusplus = "c++98 c++11 c++14 c++17 c++20 c++2b";
    let mut cases = Vec::new();
    for (compiler, suffix, standards) in
        [("gcc", "c", c), ("clang", "c", c), ("g++", "cc", cplusplus), ("clang++", "cc", cplusplus)]
    {
        for standard in standards.split(' ') {
            let name = format!("call::header::compiles_alone_and_twice::{compiler}::{standard}");
            cases.push(Case::new(name, move || compiles(compiler, suffix, standard)));
        }
    }
    for (name, tree) in
        [("stock", tree::stock(Kind::Static)), ("newest", tree::newest(Kind::Static))]
    {
        let name = format!("call::header::postfix_compiles_to_the_same_bytes::{name}");
        cases.push(Case::new(name, move || same_bytes(&tree)));
    }
    cases
}

fn compiles(compiler: &str, suffix: &str, standard: &str) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(scratch());
    let include = checkout().join("include");
    let line = "#include <master_proto.h>\n";
    for text in [line.to_owned(), line.repeat(2)] {
        let source = format!("source.{suffix}");
        sh.write_file(&source, text + "extern int other;\n")?;
        cmd!(sh, "{compiler} -std={standard} -pedantic-errors -Wall -Wextra -Werror -I {include} -c {source} -o object.o")
            .run()?;
    }
    Ok(())
}

/// Each source that includes the header gives the same object with ours in its
/// place, compiled as Postfix's make does; debug information, which names the
/// header's lines, is left out.
fn same_bytes(tree: &Path) -> Result<()> {
    let sh = Shell::new()?;
    let compiler = tree::setting(tree, "CC")?.replace("$(WARN)", "");
    let system = tree::setting(tree, "SYSTYPE")?;
    let compile = |source: &Path, to: &str| -> Result<Vec<u8>> {
        sh.change_dir(source.parent().context("a folder")?);
        let line = format!("{compiler} -O2 -D{system} -c \"$1\" -o \"$2\"");
        cmd!(sh, "sh -c {line} sh {source} {to}").run()?;
        Ok(sh.read_binary_file(to)?)
    };
    let sources = including(tree)?;
    let mut theirs = Vec::new();
    for source in &sources {
        theirs.push(compile(source, "/tmp/object.o")?);
    }
    // In this case alone, ours is where Postfix's was.
    let ours = checkout().join("include/master_proto.h");
    for place in ["include", "src/master"] {
        let place = tree.join(place).join("master_proto.h");
        cmd!(sh, "mount --bind {ours} {place}").run()?;
    }
    for (source, theirs) in sources.iter().zip(theirs) {
        let same = compile(source, "/tmp/object.o")? == theirs;
        ensure!(same, "{} compiles to other bytes with our header", source.display());
    }
    Ok(())
}

/// Postfix's sources that include the header: the server skeletons, master, the
/// queue managers and others.
fn including(tree: &Path) -> Result<Vec<PathBuf>> {
    let sh = Shell::new()?;
    let folder = tree.join("src");
    let pattern = "^#include.*[<\"]master_proto\\.h[>\"]";
    let list = cmd!(sh, "grep -rlE --include=*.c {pattern} {folder}").read()?;
    let sources: Vec<PathBuf> = list.lines().map(PathBuf::from).collect();
    let wanted = "single_server multi_server trigger_server event_server dgram_server mail_flow \
                  master_avail master_ent master_flow master_proto master_spawn master_status \
                  qmgr tlsmgr postconf_master";
    for name in wanted.split_whitespace() {
        let there = |source: &PathBuf| source.file_stem().is_some_and(|stem| stem == name);
        ensure!(sources.iter().any(there), "{name}.c does not include the header");
    }
    Ok(sources)
}
