//! The implementations of `master_notify` that are compared, the original first.

use crate::{artefact, checkout, tree};
use std::path::PathBuf;

#[derive(Clone, Debug)]
pub struct Implementation {
    pub name: &'static str,
    /// An object, an archive or a shared library.
    pub file: PathBuf,
    /// The folder of the `master_proto.h` that it comes with.
    pub header: PathBuf,
    pub is_original: bool,
    /// Whether its references to `msg_verbose` and `msg_info` are strong.
    pub strong: bool,
}

/// Name, file in the build folder, original, strong.
const ALL: [(&str, &str, bool, bool); 6] = [
    ("original", "original/original.o", true, true),
    ("original-hardened", "original/original-hardened.o", true, true),
    ("object", "master_proto.o", false, false),
    ("archive", "libmaster_proto.a", false, false),
    ("shared", "libmaster_proto.so", false, false),
    ("strong-object", "strong/master_proto.o", false, true),
];

pub fn all() -> Vec<Implementation> {
    let implementation = |(name, file, is_original, strong)| Implementation {
        name,
        file: artefact(file),
        header: if is_original {
            tree::stock(tree::Kind::Static).join("src/master")
        } else {
            checkout().join("include")
        },
        is_original,
        strong,
    };
    ALL.into_iter().map(implementation).collect()
}

pub fn named(name: &str) -> Implementation {
    let found = all().into_iter().find(|one| one.name == name);
    found.unwrap_or_else(|| panic!("there is no implementation '{name}'"))
}
