//! `tools/postfix-object` puts the object into built Postfix trees and takes it out
//! again. Each test is the function of its name in `replace.sh`.

use tests::prelude::*;

fn run(function: &str) -> Result {
    sandbox_for(300, || {
        sh_file("postfix/replace.sh", &[function])?;
        Ok(())
    })
}

#[test]
fn restore_brings_back_every_byte() -> Result {
    run("restore_brings_back_every_byte")
}

#[test]
fn verify_fails_for_what_the_next_make_undoes() -> Result {
    run("verify_fails_for_what_the_next_make_undoes")
}

#[test]
fn verify_fails_for_what_is_broken_or_missing() -> Result {
    run("verify_fails_for_what_is_broken_or_missing")
}

#[test]
fn verify_exits_with_2_if_it_cannot_tell() -> Result {
    run("verify_exits_with_2_if_it_cannot_tell")
}

#[test]
fn replace_takes_another_build_and_restore_needs_none() -> Result {
    run("replace_takes_another_build_and_restore_needs_none")
}

#[test]
fn our_header_takes_the_place_of_postfix_s() -> Result {
    run("our_header_takes_the_place_of_postfix_s")
}

#[test]
fn killed_replace_and_restore_end_well_when_run_again() -> Result {
    run("killed_replace_and_restore_end_well_when_run_again")
}

#[test]
fn a_full_disk_is_told_and_run_again_helps() -> Result {
    run("a_full_disk_is_told_and_run_again_helps")
}

#[test]
fn root_and_the_owner_take_turns() -> Result {
    run("root_and_the_owner_take_turns")
}

#[test]
fn link_time_optimised_and_stripped_programs_are_judged() -> Result {
    run("link_time_optimised_and_stripped_programs_are_judged")
}

#[test]
fn verify_tells_which_library_the_programs_load() -> Result {
    run("verify_tells_which_library_the_programs_load")
}

#[test]
fn code_labels_every_file() -> Result {
    run("code_labels_every_file")
}

#[test]
fn what_cannot_work_is_refused_without_a_change() -> Result {
    run("what_cannot_work_is_refused_without_a_change")
}
