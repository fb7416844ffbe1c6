//! The interface as abidiff(1), the tool of distributions, compares it.

use tests::prelude::*;

/// By the command of docs/abi.md, with the promised interface as the old library.
/// It exits with 4 for a change, and with 1 or 2 if it could not compare.
#[test]
fn abidiff_finds_the_promised_interface_and_sees_a_change() -> Result {
    sandbox(|| {
        clone_checkout(&scratch().join("changed"))?;
        script(
            r#"command=$(sed -n '/^abidiff -t /s|old/[^ ]*|--no-architecture packaging/abi/master_proto.abi|p' docs/abi.md)
            compare() { eval "$(echo "$command" | sed "s|new/[^ ]*|$1/libmaster_proto.so.1|")"; }
            DEBUG=1 tools/build $TMPDIR/promised
            compare $TMPDIR/promised
            cd $TMPDIR/changed
            sed -i 's/generation: c_uint\(.*\)/generation: c_int\1 let generation = generation as c_uint;/' src/lib.rs
            DEBUG=1 tools/build $TMPDIR/changed/build
            status=0
            compare $TMPDIR/changed/build || status=$?
            test $status = 4"#,
        )
    })
}
