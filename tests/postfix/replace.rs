//! `tools/postfix-object` puts the object into built Postfix trees and takes it out
//! again. Each test is the function of its name in `replace.sh`.

use tests::prelude::*;

fn run(function: &str) -> Result {
    sandbox(|| {
        sh_file("postfix/replace.sh", &[function])?;
        Ok(())
    })
}

tests_by! {
    run,
    restore_brings_back_every_byte
    verify_fails_for_what_the_next_make_undoes
    verify_fails_for_what_is_broken_or_missing
    verify_exits_with_2_if_it_cannot_tell
    replace_takes_another_build_and_restore_needs_none
    our_header_takes_the_place_of_postfix_s
    killed_replace_and_restore_end_well_when_run_again
    a_full_disk_is_told_and_run_again_helps
    root_and_the_owner_take_turns
    link_time_optimised_and_stripped_programs_are_judged
    verify_tells_which_library_the_programs_load
    code_labels_every_file
    what_cannot_work_is_refused_without_a_change
}
