//! The examples, as a reader compiles them. examples/child.c runs in a real
//! Postfix: postfix::service.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        compile_without_a_warning_in_c99_c11_and_c17,
        notify_sends_that_it_is_idle,
        notify_refuses_to_run_without_master,
    ]
}

fn compile(name: &str, words: &str) -> Result<String> {
    let strict = "-O2 -Wall -Wextra -Werror -pedantic";
    sh!("cc {strict} {words} -I include -o /tmp/{name} examples/{name}.c build/libmaster_proto.a")
}

fn compile_without_a_warning_in_c99_c11_and_c17() -> Result<()> {
    for standard in ["-std=c99", "-std=c11", "-std=c17", "-std=gnu17"] {
        compile("notify", standard)?;
        compile("child", standard)?;
    }
    Ok(())
}

fn notify_sends_that_it_is_idle() -> Result<()> {
    compile("notify", "")?;
    let sent = messages_of("echo $$ >/tmp/pid; GENERATION=17 exec /tmp/notify")?;
    let pid = std::fs::read_to_string("/tmp/pid")?.trim().parse()?;
    ensure!(sent == [[pid, 0o17, 1]], "{sent:?}");
    Ok(())
}

fn notify_refuses_to_run_without_master() -> Result<()> {
    compile("notify", "")?;
    let sh = Shell::new()?;
    refuses("only master(8) starts this program", cmd!(sh, "/tmp/notify"))?;
    Ok(())
}
