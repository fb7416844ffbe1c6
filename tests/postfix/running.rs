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

tests_by! {
    run_without_postfix,
    status_0_means_that_all_call_ours
    without_cap_sys_ptrace_it_cannot_tell
}

tests_by! {
    |name| run(name, "ours-static"),
    an_ordinary_user_is_told_to_be_root
    only_the_master_of_that_queue_directory_will_do
    a_process_number_may_have_blanks
}

tests_by! {
    |name| run(name, "ours-shared"),
    during_reloads_it_tells_the_truth
}
