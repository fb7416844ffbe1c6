//! What is not identical to the C object, as docs/behaviour.md says it, but for
//! the marks. Each case fails when the difference that it names is gone, or
//! another has come.

use std::process::Command;
use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        c_references_are_strong_and_ours_weak,
        weak_references_pull_nothing_out_of_an_archive,
        weak_references_keep_no_library_under_as_needed,
        write_is_bound_at_load,
        object_has_no_stack_protector,
        sections_are_named_otherwise,
    ]
}

fn c() -> PathBuf {
    artefact("original/original.o")
}

fn ours() -> PathBuf {
    artefact("master_proto.o")
}

fn same(got: &[String], want: &[&str]) -> Result<()> {
    ensure!(got == want, "{got:?} is not {want:?}");
    Ok(())
}

/// The lines that a command prints, each as what the function makes of it.
fn lines(
    command: testenv::xshell::Cmd,
    line: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>> {
    Ok(command.read()?.lines().filter_map(line).collect())
}

/// Undefined symbols, weak ones as "w".
fn undefined(object: &Path) -> Result<Vec<String>> {
    let sh = Shell::new()?;
    let mut symbols = lines(cmd!(sh, "nm -u {object}"), |line| Some(line.trim().to_owned()))?;
    symbols.sort();
    Ok(symbols)
}

/// A folder with a caller that names no msg symbol, and with the two in an
/// object, an archive and a library.
fn folder() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(scratch());
    sh.write_file(
        "caller.c",
        "int master_notify(int, unsigned, int);\n\
         int main(void) { return master_notify(1, 2, 3) + 1; }\n",
    )?;
    sh.write_file(
        "msg.c",
        "#include <unistd.h>\n\
         int msg_verbose = 1;\n\
         void msg_info(const char *format, ...) { _exit(*format == '%' ? 42 : 43); }\n",
    )?;
    cmd!(sh, "gcc -c -fPIC msg.c").run()?;
    cmd!(sh, "ar rc libmsg.a msg.o").run()?;
    cmd!(sh, "gcc -shared msg.o -Wl,-soname,libmsg.so -o libmsg.so").run()?;
    Ok(sh)
}

fn link(sh: &Shell, object: &Path, words: &[&str]) -> Result<()> {
    cmd!(sh, "gcc caller.c {object} {words...} -Wl,-rpath,/tmp -o program")
        .run()
        .map_err(Into::into)
}

/// Whether the program, whose descriptor 5 is closed, logs the failed call.
fn logs() -> Result<bool> {
    match Command::new("/tmp/program").status()?.code() {
        Some(0) => Ok(false),
        Some(42) => Ok(true),
        other => bail!("the program ends with {other:?}"),
    }
}

fn c_references_are_strong_and_ours_weak() -> Result<()> {
    let c = undefined(&c())?;
    same(&c, &["U _GLOBAL_OFFSET_TABLE_", "U msg_info", "U msg_verbose", "U write"])?;
    same(&undefined(&ours())?, &["U write", "w msg_info", "w msg_verbose"])
}

fn weak_references_pull_nothing_out_of_an_archive() -> Result<()> {
    let sh = folder()?;
    link(&sh, &c(), &["libmsg.a"])?;
    ensure!(logs()?, "the C object pulls nothing out of an archive");
    link(&sh, &ours(), &["libmsg.a"])?;
    ensure!(!logs()?, "ours pulls msg symbols out of an archive");
    link(&sh, &ours(), &["-Wl,-u,msg_info", "libmsg.a"])?;
    ensure!(logs()?, "a program that names a msg symbol does not log");
    Ok(())
}

fn weak_references_keep_no_library_under_as_needed() -> Result<()> {
    let sh = folder()?;
    let needed = || {
        lines(cmd!(sh, "readelf -dW program"), |line| {
            let name = line.split_once("(NEEDED)")?.1.split_once('[')?.1;
            Some(name.trim_end_matches(']').to_owned())
        })
    };
    link(&sh, &c(), &["-Wl,--as-needed", "libmsg.so"])?;
    same(&needed()?, &["libmsg.so", "libc.so.6"])?;
    link(&sh, &ours(), &["-Wl,--as-needed", "libmsg.so"])?;
    same(&needed()?, &["libc.so.6"])?;
    link(&sh, &ours(), &["-Wl,--no-as-needed", "libmsg.so"])?;
    ensure!(logs()?, "a library that is asked for is not used");
    Ok(())
}

fn write_is_bound_at_load() -> Result<()> {
    let sh = folder()?;
    sh.write_file("msg.c", "int msg_verbose; void msg_info(const char *f, ...) { (void) f; }\n")?;
    cmd!(sh, "gcc -c -fPIC msg.c").run()?;
    let bound = || {
        lines(cmd!(sh, "readelf -rW program"), |line| {
            let how = line.split_once("R_X86_64_")?.1;
            how.contains(" write@").then(|| how.split(' ').next().unwrap_or_default().to_owned())
        })
    };
    link(&sh, &c(), &["-Wl,-z,lazy", "msg.o"])?;
    same(&bound()?, &["JUMP_SLOT"])?;
    link(&sh, &ours(), &["-Wl,-z,lazy", "msg.o"])?;
    same(&bound()?, &["GLOB_DAT"])
}

fn object_has_no_stack_protector() -> Result<()> {
    let guard = "U __stack_chk_fail".to_owned();
    ensure!(undefined(&artefact("original/original-hardened.o"))?.contains(&guard));
    ensure!(!undefined(&ours())?.contains(&guard));
    Ok(())
}

/// Name and flags of what is loaded, but for string constants, which compilers
/// merge or not, and for the marks, which are an option of both.
fn loaded_sections(object: &Path) -> Result<Vec<String>> {
    let sh = Shell::new()?;
    let mut sections = lines(cmd!(sh, "readelf -SW {object}"), |line| {
        let words: Vec<_> = line.split_once(']')?.1.split_whitespace().collect();
        let [name, _, _, _, size, _, flags, ..] = words[..] else {
            return None;
        };
        let size = u64::from_str_radix(size, 16).ok()?;
        let other = name.starts_with(".rodata") || name == ".note.gnu.property";
        (flags.contains('A') && size > 0 && !other).then(|| format!("{name} {flags}"))
    })?;
    sections.sort();
    Ok(sections)
}

fn sections_are_named_otherwise() -> Result<()> {
    same(&loaded_sections(&c())?, &[".eh_frame A", ".text AX"])?;
    let ours = loaded_sections(&ours())?;
    same(&ours, &[".data.rel.ro WA", ".eh_frame A", ".text.master_notify AX"])
}
