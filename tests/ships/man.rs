//! The manual pages, and the programs in them and in examples/, as a reader copies
//! and compiles them. Those that serve clients run in a real Postfix:
//! postfix::service.

use std::fs;
use tests::prelude::*;

const PAGES: [&str; 2] = ["master_notify.3", "master_proto.7"];

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

/// A page of man/ as mandoc renders it for a wide screen, in plain letters.
pub fn by_mandoc(page: &str) -> Result<String> {
    sh!("mandoc -T ascii -O width=200 man/{page} | col -bx")
}

#[test]
fn pages_please_mandoc_and_man() -> Result {
    sandbox(|| {
        for page in PAGES {
            let said = sh!("export MANWIDTH=80
                mandoc -T lint man/{page} || :
                man --warnings -E UTF-8 -l -Tutf8 -Z man/{page} 2>&1 >$TMPDIR/shown
                test -s $TMPDIR/shown")?;
            ensure!(said.is_empty(), "{said}");
        }
        Ok(())
    })
}

#[test]
fn pages_break_no_name() -> Result {
    sandbox(|| {
        for page in PAGES {
            let broken = sh!(
                "MANWIDTH=80 man -E UTF-8 -l man/{page} | col -bx | grep '[[:alnum:]][-‐]$' || :"
            )?;
            ensure!(broken.is_empty(), "{page}: {broken}");
        }
        Ok(())
    })
}

#[test]
fn pages_name_the_version() -> Result {
    let version = manifest("version")?;
    sandbox(|| {
        for page in PAGES {
            sh!("grep '^.TH .* \"master_proto {version}\"$' man/{page}")?;
        }
        Ok(())
    })
}

#[test]
fn pages_show_one_program_in_man_and_mandoc() -> Result {
    sandbox(|| {
        for page in PAGES {
            let shown = program(&by_mandoc(page)?)?;
            let man = sh!("MANWIDTH=80 man --warnings -E UTF-8 -l man/{page} | col -bx")?;
            let other = program(&man)?;
            ensure!(shown == other, "mandoc shows\n{shown}\nand man\n{other}");
            compile(page)?;
        }
        Ok(())
    })
}

#[test]
fn master_notify_3_has_the_sections_of_a_library_call() -> Result {
    sandbox(|| {
        script(
            "for section in NAME LIBRARY SYNOPSIS DESCRIPTION 'RETURN VALUE' ERRORS ATTRIBUTES \
                EXAMPLES 'SEE ALSO'; do
                grep -x \".SH $section\" man/master_notify.3
            done",
        )
    })
}

#[test]
fn header_names_both_pages() -> Result {
    sandbox(|| {
        sh!("grep -F 'master_notify(3)' include/master_proto.h
            grep -F 'master_proto(7)' include/master_proto.h")
    })
}

const STRICT: &str = "cc -O2 -Wall -Wextra -Werror -pedantic -I include";

#[test]
fn examples_compile_without_a_warning_in_c99_c11_c17_and_as_cxx() -> Result {
    sandbox(|| {
        sh!("for file in examples/*.c; do
                for standard in c99 c11 c17 gnu17; do
                    {STRICT} -std=$standard -o $TMPDIR/example $file build/libmaster_proto.a
                done
                {STRICT} -x c++ -std=c++11 -o $TMPDIR/example $file -x none build/libmaster_proto.a
            done")
    })
}

/// The program that a page or a file of examples/ shows, as $TMPDIR/example.
fn compile(shown_in: &str) -> Result {
    let text = match shown_in.strip_suffix(".c") {
        Some(_) => fs::read_to_string(checkout().join("examples").join(shown_in))?,
        None => program(&by_mandoc(shown_in)?)?,
    };
    fs::write(scratch().join("example.c"), text)?;
    sh!("{STRICT} -o $TMPDIR/example $TMPDIR/example.c build/libmaster_proto.a")?;
    Ok(())
}

/// Runs it with a generation, whose 017 is octal: it sends these statuses, and
/// prints this at the end. It refuses to run without one.
fn sends(shown_in: &str, statuses: &[i32], printed: &str) -> Result {
    compile(shown_in)?;
    refuses("only master(8) starts this program", "$TMPDIR/example")?;
    let sent =
        messages_of("echo $$ >$TMPDIR/pid; GENERATION=17 exec $TMPDIR/example >$TMPDIR/output")?;
    let pid = fs::read_to_string(scratch().join("pid"))?.trim().parse()?;
    let expected: Vec<_> = statuses.iter().map(|status| [pid, 0o17, *status]).collect();
    ensure!(sent == expected, "{sent:?}");
    let output = fs::read_to_string(scratch().join("output"))?;
    ensure!(output.ends_with(printed), "{output}");
    Ok(())
}

#[test]
fn program_of_master_notify_3_sends_what_it_says_and_only_under_master() -> Result {
    sandbox(|| sends("master_notify.3", &[0, 1], "waits for the next client\n"))
}

#[test]
fn notify_c_sends_what_it_says_and_only_under_master() -> Result {
    sandbox(|| sends("notify.c", &[1], ""))
}

/// The reader of the pipe has gone.
#[test]
fn example_serves_the_client_and_ends_when_master_is_gone() -> Result {
    sandbox(|| {
        compile("master_notify.3")?;
        let said = sh!("mkfifo $TMPDIR/pipe
            : <$TMPDIR/pipe & exec 5>$TMPDIR/pipe; wait $!
            GENERATION=17 $TMPDIR/example 2>&1")?;
        ensure!(said.contains("this client is ours: Broken pipe"), "{said}");
        ensure!(said.contains("here the client is served"), "{said}");
        ensure!(!said.contains("waits for the next client"), "{said}");
        Ok(())
    })
}
