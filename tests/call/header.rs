//! `include/master_proto.h` compiles alone and in place of Postfix's.

use tests::prelude::*;

#[test]
fn compiles_alone_and_twice() -> Result {
    sandbox(|| {
        sh!("make -C c_tests header CC=gcc CXX=g++ OUT=$TMPDIR
            make -C c_tests header CC=clang CXX=clang++ OUT=$TMPDIR")?;
        Ok(())
    })
}

#[test]
fn postfix_compiles_to_the_same_bytes() -> Result {
    sandbox(|| sh_file("call/header.sh", &["static"]).map(drop))
}

#[test]
fn newest_postfix_compiles_to_the_same_bytes() -> Result {
    sandbox(|| sh_file("call/header.sh", &["newest-static"]).map(drop))
}
