//! The manual pages, and the programs in them and in examples/, as a reader copies
//! and compiles them. Those that serve clients run in a real Postfix:
//! postfix::service.

use std::fs;
use testenv::prelude::*;

const PAGES: [&str; 2] = ["master_notify.3", "master_proto.7"];

/// A program, which a page or a file shows; the statuses that it sends; and what it
/// prints at the end.
type Sender = (&'static str, &'static [i32], &'static str);
const SENDERS: [Sender; 2] =
    [("master_notify.3", &[0, 1], "waits for the next client\n"), ("notify.c", &[1], "")];

pub fn cases() -> Vec<Case> {
    testenv::cases![
        pleases_mandoc_and_man for PAGES,
        names_the_version for PAGES,
        shows_one_program_in_man_and_mandoc for PAGES,
        master_notify_3_has_the_sections_of_a_library_call,
        header_names_both_pages,
        examples_compile_without_a_warning_in_c99_c11_and_c17,
        program_sends_what_it_says for SENDERS,
        program_refuses_to_run_without_master for SENDERS,
        example_serves_the_client_and_ends_when_master_is_gone,
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

fn pleases_mandoc_and_man(page: &str) -> Result<()> {
    let said = sh!("export MANWIDTH=80
        mandoc -T lint man/{page} || :
        man --warnings -E UTF-8 -l -Tutf8 -Z man/{page} 2>&1 >/tmp/shown
        test -s /tmp/shown")?;
    ensure!(said.is_empty(), "{said}");
    Ok(())
}

fn names_the_version(page: &str) -> Result<()> {
    let version = manifest("version")?;
    sh!("grep '^.TH .* \"master_proto {version}\"$' man/{page}")?;
    Ok(())
}

fn shows_one_program_in_man_and_mandoc(page: &str) -> Result<()> {
    let shown = program(&by_mandoc(page)?)?;
    let man = sh!("MANWIDTH=80 man --warnings -E UTF-8 -l man/{page} | col -bx")?;
    let other = program(&man)?;
    ensure!(shown == other, "mandoc shows\n{shown}\nand man\n{other}");
    compile(page)
}

fn master_notify_3_has_the_sections_of_a_library_call() -> Result<()> {
    sh!("for section in NAME LIBRARY SYNOPSIS DESCRIPTION 'RETURN VALUE' ERRORS ATTRIBUTES \
            EXAMPLES 'SEE ALSO'; do
            grep -x \".SH $section\" man/master_notify.3
        done")?;
    Ok(())
}

fn header_names_both_pages() -> Result<()> {
    sh!("grep -F 'master_notify(3)' include/master_proto.h
        grep -F 'master_proto(7)' include/master_proto.h")?;
    Ok(())
}

const STRICT: &str = "cc -O2 -Wall -Wextra -Werror -pedantic -I include";

fn examples_compile_without_a_warning_in_c99_c11_and_c17() -> Result<()> {
    sh!("for standard in c99 c11 c17 gnu17; do
            for name in notify child; do
                {STRICT} -std=$standard -o /tmp/$name examples/$name.c build/libmaster_proto.a
            done
        done")?;
    Ok(())
}

/// The program that a page or a file of examples/ shows, as /tmp/example.
fn compile(shown_in: &str) -> Result<()> {
    let text = match shown_in.strip_suffix(".c") {
        Some(_) => fs::read_to_string(checkout().join("examples").join(shown_in))?,
        None => program(&by_mandoc(shown_in)?)?,
    };
    fs::write("/tmp/example.c", text)?;
    sh!("{STRICT} -o /tmp/example /tmp/example.c build/libmaster_proto.a")?;
    Ok(())
}

/// 017 is octal.
fn program_sends_what_it_says((shown_in, statuses, printed): &Sender) -> Result<()> {
    compile(shown_in)?;
    let sent = messages_of("echo $$ >/tmp/pid; GENERATION=17 exec /tmp/example >/tmp/output")?;
    let pid = fs::read_to_string("/tmp/pid")?.trim().parse()?;
    let expected: Vec<_> = statuses.iter().map(|status| [pid, 0o17, *status]).collect();
    ensure!(sent == expected, "{sent:?}");
    ensure!(fs::read_to_string("/tmp/output")?.ends_with(printed));
    Ok(())
}

fn program_refuses_to_run_without_master((shown_in, ..): &Sender) -> Result<()> {
    compile(shown_in)?;
    let sh = Shell::new()?;
    refuses("only master(8) starts this program", cmd!(sh, "/tmp/example"))?;
    Ok(())
}

/// The reader of the pipe has gone.
fn example_serves_the_client_and_ends_when_master_is_gone() -> Result<()> {
    compile("master_notify.3")?;
    let said = sh!("mkfifo /tmp/pipe
        : </tmp/pipe & exec 5>/tmp/pipe; wait $!
        GENERATION=17 /tmp/example 2>&1")?;
    ensure!(said.contains("this client is ours: Broken pipe"), "{said}");
    ensure!(said.contains("here the client is served"), "{said}");
    ensure!(!said.contains("waits for the next client"), "{said}");
    Ok(())
}
