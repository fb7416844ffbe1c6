//! `tools/postfix-running` exits with status 0 only if every daemon calls our code.

use tests::instance::Instance;
use tests::prelude::*;

/// Runs that function of `running.sh` with a Postfix.
fn run(function: &str, tree_name: &str) -> Result {
    sandbox(|| {
        let mut postfix = Instance::create("postfix", &tree(tree_name))?;
        postfix.start()?;
        postfix.delivers(1)?;
        let (queue, master) =
            (postfix.queue().display().to_string(), postfix.master()?.to_string());
        let reload =
            format!("{} -c {}/etc reload", postfix.program("postfix"), postfix.dir().display());
        sh_file("postfix/running.sh", &[function, &queue, &master, &reload])?;
        postfix.stop()
    })
}

/// Children of a stand-in for master.
fn run_without_postfix(function: &str) -> Result {
    sandbox(|| {
        sh_file("postfix/running.sh", &[function])?;
        Ok(())
    })
}

#[test]
fn status_0_means_that_all_call_ours() -> Result {
    run_without_postfix("status_0_means_that_all_call_ours")
}

#[test]
fn without_cap_sys_ptrace_it_cannot_tell() -> Result {
    run_without_postfix("without_cap_sys_ptrace_it_cannot_tell")
}

#[test]
fn an_ordinary_user_is_told_to_be_root() -> Result {
    run("an_ordinary_user_is_told_to_be_root", "ours-static")
}

#[test]
fn only_the_master_of_that_queue_directory_will_do() -> Result {
    run("only_the_master_of_that_queue_directory_will_do", "ours-static")
}

#[test]
fn a_process_number_may_have_blanks() -> Result {
    run("a_process_number_may_have_blanks", "ours-static")
}

#[test]
fn during_reloads_it_tells_the_truth() -> Result {
    run("during_reloads_it_tells_the_truth", "ours-shared")
}
