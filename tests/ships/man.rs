//! The manual pages: their form, and that the programs in them work. The one in
//! master_proto(7) runs in a real Postfix: postfix::service.

use std::fs;
use testenv::prelude::*;

const PAGES: [&str; 2] = ["master_notify.3", "master_proto.7"];

pub fn cases() -> Vec<Case> {
    testenv::cases![
        pleases_mandoc for PAGES,
        pleases_man for PAGES,
        names_the_version for PAGES,
        shows_one_program_in_man_and_mandoc for PAGES,
        master_notify_3_has_the_sections_of_a_library_call,
        header_names_both_pages,
        example_sends_taken_and_available,
        example_serves_the_client_and_ends_when_master_is_gone,
        example_refuses_to_run_without_master,
    ]
}

/// The program among the examples of a page that man or mandoc has rendered, as
/// a reader would copy it: from the first #include to the closing brace at the
/// same indentation.
pub fn program(rendered: &str) -> Result<String> {
    let (_, examples) = rendered.split_once("\nEXAMPLES\n").context("there are no examples")?;
    let (indent, _) = examples.split_once("#include").context("no program among the examples")?;
    let indent = format!("\n{}", indent.lines().last().unwrap_or_default());
    let start = examples.find("#include").unwrap_or_default();
    let end = examples[start..].find(&format!("{indent}}}\n")).context("it has no end")?;
    Ok(examples[start..][..end].replace(&indent, "\n") + "\n}\n")
}

/// A page of man/ as mandoc shows it on a wide screen, without its bold and
/// underlined letters.
pub fn by_mandoc(page: &str) -> Result<String> {
    sh!("mandoc -T ascii -O width=200 man/{page} | col -bx")
}

fn pleases_mandoc(page: &str) -> Result<()> {
    let said = sh!("mandoc -T lint man/{page} || :")?;
    ensure!(said.is_empty(), "{said}");
    Ok(())
}

fn pleases_man(page: &str) -> Result<()> {
    sh!("export MANWIDTH=80
        man --warnings -E UTF-8 -l -Tutf8 -Z man/{page} >/tmp/shown 2>/tmp/said
        test -s /tmp/shown")?;
    let said = fs::read_to_string("/tmp/said")?;
    ensure!(said.is_empty(), "{said}");
    Ok(())
}

fn names_the_version(page: &str) -> Result<()> {
    let title = sh!("grep '^.TH ' man/{page}")?;
    let version = manifest("version")?;
    ensure!(title.ends_with(&format!(" \"master_proto {version}\"")), "{title}");
    Ok(())
}

fn shows_one_program_in_man_and_mandoc(page: &str) -> Result<()> {
    let shown = program(&by_mandoc(page)?)?;
    let man = sh!("MANWIDTH=80 man --warnings -E UTF-8 -l man/{page} | col -bx")?;
    let other = program(&man)?;
    ensure!(shown == other, "mandoc shows\n{shown}\nand man\n{other}");
    compile(&shown)
}

fn compile(program: &str) -> Result<()> {
    fs::write("/tmp/example.c", program)?;
    let strict = "-O2 -Wall -Wextra -Werror -pedantic";
    sh!("cc {strict} -I include -o /tmp/example /tmp/example.c build/libmaster_proto.a")?;
    Ok(())
}

fn master_notify_3_has_the_sections_of_a_library_call() -> Result<()> {
    let text = fs::read_to_string(checkout().join("man/master_notify.3"))?;
    let sections =
        "NAME,LIBRARY,SYNOPSIS,DESCRIPTION,RETURN VALUE,ERRORS,ATTRIBUTES,EXAMPLES,SEE ALSO";
    for section in sections.split(',') {
        ensure!(text.lines().any(|line| line == format!(".SH {section}")), "{section}");
    }
    Ok(())
}

fn header_names_both_pages() -> Result<()> {
    sh!("grep -F 'master_notify(3)' include/master_proto.h
        grep -F 'master_proto(7)' include/master_proto.h")?;
    Ok(())
}

fn compile_example() -> Result<()> {
    compile(&program(&by_mandoc("master_notify.3")?)?)
}

/// 017 is octal.
fn example_sends_taken_and_available() -> Result<()> {
    compile_example()?;
    let sent = messages_of("echo $$ >/tmp/pid; GENERATION=17 exec /tmp/example >/tmp/output")?;
    let pid = fs::read_to_string("/tmp/pid")?.trim().parse()?;
    ensure!(sent == [[pid, 0o17, 0], [pid, 0o17, 1]], "{sent:?}");
    ensure!(fs::read_to_string("/tmp/output")?.contains("waits for the next client"));
    Ok(())
}

/// The reader of the pipe has gone.
fn example_serves_the_client_and_ends_when_master_is_gone() -> Result<()> {
    compile_example()?;
    let said = sh!("mkfifo /tmp/pipe
        : </tmp/pipe & exec 5>/tmp/pipe; wait $!
        GENERATION=17 /tmp/example 2>&1")?;
    ensure!(said.contains("this client is ours: Broken pipe"), "{said}");
    ensure!(said.contains("here the client is served"), "{said}");
    ensure!(!said.contains("waits for the next client"), "{said}");
    Ok(())
}

fn example_refuses_to_run_without_master() -> Result<()> {
    compile_example()?;
    let sh = Shell::new()?;
    refuses("only master(8) starts this program", cmd!(sh, "/tmp/example"))?;
    Ok(())
}
