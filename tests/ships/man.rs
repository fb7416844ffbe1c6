//! The manual pages: their form, and that the programs in them work. The one in
//! master_proto(7) runs in a real Postfix: postfix::service.

use super::{manifest, messages_of};
use std::fs;
use testenv::prelude::*;

const PAGES: [&str; 2] = ["master_notify.3", "master_proto.7"];

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![
        master_notify_3_has_the_sections_of_a_library_call,
        header_names_both_pages,
        example_sends_taken_and_available,
        example_serves_the_client_and_ends_when_master_is_gone,
        example_refuses_to_run_without_master,
    ];
    for page in PAGES {
        for (claim, proof) in [
            ("pleases_mandoc", pleases_mandoc as fn(&str) -> Result<()>),
            ("pleases_man", pleases_man),
            ("names_the_version", names_the_version),
            ("shows_one_program_in_man_and_mandoc", shows_one_program_in_man_and_mandoc),
        ] {
            cases.push(Case::new(format!("ships::man::{page}_{claim}"), move || proof(page)));
        }
    }
    cases
}

/// The program among the examples of a page that man or mandoc has rendered, as
/// a reader would copy it: from the first #include to the closing brace at the
/// same indentation.
pub fn program(rendered: &str) -> Result<String> {
    let mut lines = rendered.lines().skip_while(|line| *line != "EXAMPLES");
    let first = lines.find(|line| line.trim_start().starts_with("#include"));
    let first = first.context("there is no program among the examples")?;
    let indent = &first[..first.len() - first.trim_start().len()];
    let mut program = format!("{}\n", first.trim_start());
    for line in lines {
        let line = line.strip_prefix(indent).unwrap_or(line);
        program += line;
        program += "\n";
        if line == "}" {
            return Ok(program);
        }
    }
    bail!("the program among the examples has no end")
}

/// A page of man/ as mandoc shows it on a wide screen, without its bold and
/// underlined letters.
pub fn by_mandoc(page: &str) -> Result<String> {
    let sh = Shell::new()?;
    let page = path(page);
    Ok(plain(&cmd!(sh, "mandoc -T ascii -O width=200 {page}").read()?))
}

/// Each letter before a backspace goes, and so does the backspace.
fn plain(rendered: &str) -> String {
    let mut text = String::new();
    for letter in rendered.chars() {
        if letter == '\u{8}' {
            text.pop();
        } else {
            text.push(letter);
        }
    }
    text
}

fn path(page: &str) -> String {
    checkout().join("man").join(page).display().to_string()
}

fn pleases_mandoc(page: &str) -> Result<()> {
    let page = path(page);
    let sh = Shell::new()?;
    let said = cmd!(sh, "mandoc -T lint {page}").ignore_status().read()?;
    ensure!(said.is_empty(), "{said}");
    Ok(())
}

fn man(page: &str, words: &[&str]) -> Result<std::process::Output> {
    let page = path(page);
    let sh = Shell::new()?;
    sh.set_var("MANWIDTH", "80");
    Ok(cmd!(sh, "man --warnings -E UTF-8 -l {words...} {page}").output()?)
}

fn pleases_man(page: &str) -> Result<()> {
    let output = man(page, &["-Tutf8", "-Z"])?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(said.is_empty() && !output.stdout.is_empty(), "{said}");
    Ok(())
}

fn names_the_version(page: &str) -> Result<()> {
    let version = manifest("version")?;
    let text = fs::read_to_string(path(page))?;
    let title = text.lines().find(|line| line.starts_with(".TH ")).context("no title")?;
    ensure!(title.ends_with(&format!(" \"master_proto {version}\"")), "{title}");
    Ok(())
}

fn shows_one_program_in_man_and_mandoc(page: &str) -> Result<()> {
    let shown = program(&by_mandoc(page)?)?;
    let output = man(page, &[])?;
    let other = program(&plain(&String::from_utf8(output.stdout)?))?;
    ensure!(shown == other, "mandoc shows\n{shown}\nand man\n{other}");
    compile(&shown, "example")
}

fn compile(program: &str, name: &str) -> Result<()> {
    let sh = Shell::new()?;
    let include = checkout().join("include");
    let archive = artefact("libmaster_proto.a");
    sh.change_dir("/tmp");
    sh.write_file(format!("{name}.c"), program)?;
    cmd!(sh, "cc -O2 -Wall -Wextra -Werror -pedantic -I {include} -o {name} {name}.c {archive}")
        .run()?;
    Ok(())
}

fn master_notify_3_has_the_sections_of_a_library_call() -> Result<()> {
    let text = fs::read_to_string(path("master_notify.3"))?;
    for section in
        "NAME,LIBRARY,SYNOPSIS,DESCRIPTION,RETURN VALUE,ERRORS,ATTRIBUTES,EXAMPLES,SEE ALSO"
            .split(',')
    {
        ensure!(text.lines().any(|line| line == format!(".SH {section}")), "{section}");
    }
    Ok(())
}

fn header_names_both_pages() -> Result<()> {
    let header = fs::read_to_string(checkout().join("include/master_proto.h"))?;
    ensure!(header.contains("master_notify(3)") && header.contains("master_proto(7)"));
    Ok(())
}

fn example() -> Result<()> {
    compile(&program(&by_mandoc("master_notify.3")?)?, "example")
}

/// 017 is octal.
fn example_sends_taken_and_available() -> Result<()> {
    example()?;
    let sent = messages_of("echo $$ >/tmp/pid; GENERATION=17 exec /tmp/example >/tmp/output")?;
    let pid = fs::read_to_string("/tmp/pid")?.trim().parse()?;
    ensure!(sent == [[pid, 0o17, 0], [pid, 0o17, 1]], "{sent:?}");
    ensure!(fs::read_to_string("/tmp/output")?.contains("waits for the next client"));
    Ok(())
}

/// The reader of the pipe has gone.
fn example_serves_the_client_and_ends_when_master_is_gone() -> Result<()> {
    example()?;
    let sh = Shell::new()?;
    let script = "mkfifo /tmp/pipe; : </tmp/pipe & exec 5>/tmp/pipe; wait $!; GENERATION=17 /tmp/example 2>&1";
    let said = cmd!(sh, "sh -euc {script}").read()?;
    ensure!(said.contains("this client is ours: Broken pipe"), "{said}");
    ensure!(said.contains("here the client is served"), "{said}");
    ensure!(!said.contains("waits for the next client"), "{said}");
    Ok(())
}

fn example_refuses_to_run_without_master() -> Result<()> {
    example()?;
    let sh = Shell::new()?;
    refuses("only master(8) starts this program", cmd!(sh, "/tmp/example"))?;
    Ok(())
}
