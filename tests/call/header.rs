//! `include/master_proto.h` compiles alone, and in the place of Postfix's.

use testenv::prelude::*;
use testenv::tree::{self, Kind};

/// The names that compilers of 2022 know; C23 and C++23 were drafts.
const C: &str = "c89 c99 c11 c17 c2x";
const CPLUSPLUS: &str = "c++98 c++11 c++14 c++17 c++20 c++2b";

pub fn cases() -> Vec<Case> {
    testenv::cases![
        compiles_alone_and_twice for [("gcc", C), ("clang", C), ("g++", CPLUSPLUS), ("clang++", CPLUSPLUS)],
        postfix_compiles_to_the_same_bytes for
            [("stock", tree::stock(Kind::Static)), ("newest", tree::newest(Kind::Static))],
    ]
}

fn compiles_alone_and_twice((compiler, standards): &(&str, &str)) -> Result<()> {
    sh!(
        "printf '%s\\n' '#include <master_proto.h>' '#include <master_proto.h>' 'extern int other;' \
            >/tmp/source.c
        cp /tmp/source.c /tmp/source.cc
        case {compiler} in *++) source=/tmp/source.cc ;; *) source=/tmp/source.c ;; esac
        for standard in {standards}; do
            {compiler} -std=$standard -pedantic-errors -Wall -Wextra -Werror -I include -c $source \
                -o /tmp/object.o
        done"
    )
    .map(drop)
}

/// Each source that includes the header, the server skeletons, master, the queue
/// managers and others, gives the same object with ours in its place, compiled
/// as Postfix's make does; debug information, which names the header's lines, is
/// left out. In this case alone, ours is where Postfix's was.
fn postfix_compiles_to_the_same_bytes((_, tree): &(&str, PathBuf)) -> Result<()> {
    let compiler = tree::setting(tree, "CC")?.replace("$(WARN)", "");
    let system = tree::setting(tree, "SYSTYPE")?;
    sh!(
        "ours=$PWD/include/master_proto.h
        cd {tree}
        compile() {{
            mkdir /tmp/$1
            grep -rlE --include='*.c' '^#include.*[<\"]master_proto\\.h[>\"]' src | while read -r file; do
                (cd \"${{file%/*}}\" && {compiler} -O2 -D{system} -c \"${{file##*/}}\" \
                    -o \"/tmp/$1/$(echo \"$file\" | tr / _).o\")
            done
        }}
        compile theirs
        for name in single_server multi_server trigger_server event_server dgram_server mail_flow \
            master_avail master_ent master_flow master_proto master_spawn master_status qmgr tlsmgr \
            postconf_master; do
            ls /tmp/theirs/*_$name.c.o
        done
        for folder in include src/master; do
            mount --bind \"$ours\" $folder/master_proto.h
        done
        compile ours
        diff -r /tmp/theirs /tmp/ours >&2",
        tree = tree.display()
    )
    .map(drop)
}
