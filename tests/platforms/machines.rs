//! The portable harnesses on each machine and in each way to link, on Postfix's
//! own code first.

use testenv::artefacts::Implementation;
use testenv::harness::{PORTABLE, Toolchain, check, named};
use testenv::platforms::{MACHINES, Machine, cmocka_header, folder};
use testenv::prelude::*;

/// A way to link: its name, flags to compile with and to link with, and what is
/// linked so.
pub struct Link {
    pub name: &'static str,
    cflags: &'static str,
    ldflags: &'static str,
    implementations: &'static [&'static str],
}

#[rustfmt::skip]
pub const LINKS: [Link; 4] = [
    Link { name: "static", cflags: "-fno-pie", ldflags: "-static", implementations: &["original", "object", "archive"] },
    Link { name: "non-PIE", cflags: "-fno-pie", ldflags: "-no-pie", implementations: &["original", "object"] },
    Link { name: "PIE", cflags: "-fPIE", ldflags: "-pie", implementations: &["original", "object"] },
    Link { name: "shared", cflags: "-fPIE", ldflags: "-pie", implementations: &["original", "shared"] },
];

pub const LINKERS: [&str; 4] = ["bfd", "gold", "lld", "mold"];
/// With each of them, where it makes sense: -z defs is for libraries alone.
pub const LINKER_FLAGS: [&str; 3] = ["--gc-sections", "-z now", "--as-needed"];

/// Where the files of an implementation are for one compiler.
struct Files {
    original: PathBuf,
    original_shared: PathBuf,
    object: PathBuf,
    archive: PathBuf,
    shared: PathBuf,
    strong: bool,
}

impl Files {
    fn of(machine: &Machine) -> Files {
        let folder = machine.folder();
        Files {
            original: folder.join("original.o"),
            original_shared: folder.join("liboriginal.so"),
            object: folder.join("master_proto.o"),
            archive: folder.join("libmaster_proto.a"),
            shared: folder.join("libmaster_proto.so"),
            strong: machine.strong,
        }
    }

    /// What gcc and the installed Rust make of it here, for glibc.
    fn of_host() -> Files {
        Files {
            original: artefact("original/original.o"),
            original_shared: artefact("original/original.o"),
            object: artefact("master_proto.o"),
            archive: artefact("libmaster_proto.a"),
            shared: artefact("libmaster_proto.so"),
            strong: false,
        }
    }

    fn implementation(&self, name: &'static str, link: &str) -> Implementation {
        let is_original = name == "original";
        let file = match name {
            "original" if link == "shared" => &self.original_shared,
            "original" => &self.original,
            "object" => &self.object,
            "archive" => &self.archive,
            _ => &self.shared,
        };
        let header = if is_original {
            testenv::tree::stock(testenv::tree::Kind::Static).join("src/master")
        } else {
            checkout().join("include")
        };
        Implementation {
            name,
            file: file.clone(),
            header,
            is_original,
            strong: is_original || self.strong,
        }
    }
}

/// A compiler with the cmocka that was compiled by it.
fn toolchain(cc: &str, cxx: &str, cmocka: &Path, cflags: &str, ldflags: &str) -> Toolchain {
    let header = cmocka_header();
    let cflags = format!("-O2 -I {} {cflags}", header.display());
    let mut toolchain = Toolchain::new(cc, cxx).flags(&cflags, ldflags);
    toolchain.cmocka = cmocka.join("libcmocka.a").display().to_string();
    toolchain
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for machine in &MACHINES {
        for link in &LINKS {
            let cxx = format!("{}-g++", machine.triple);
            let mut tools =
                toolchain(&machine.cc(), &cxx, &machine.folder(), link.cflags, link.ldflags);
            if let Some(qemu) = machine.qemu {
                tools = tools.run_by(&format!("qemu-{qemu}-static -L /usr/{}", machine.triple));
            }
            let name = format!("machines::{}::{}", machine.name, link.name);
            cases.extend(all(&name, &Files::of(machine), link, &tools));
        }
    }
    for link in &LINKS {
        // The object that was made for glibc.
        let home = folder("musl");
        let mut files = Files::of_host();
        files.original_shared = home.join("liboriginal.so");
        files.shared = home.join("libobject.so");
        let tools = toolchain("musl-gcc", "g++", &home, link.cflags, link.ldflags);
        cases.extend(all(&format!("machines::musl::{}", link.name), &files, link, &tools));
    }
    for linker in LINKERS {
        let flags: String =
            LINKER_FLAGS.map(|flag| format!(" -Wl,{}", flag.replace(' ', ","))).concat();
        let flags = format!("-fuse-ld={linker}{flags}");
        for link in LINKS.iter().filter(|link| link.name != "non-PIE") {
            let cflags = format!("{} -ffunction-sections", link.cflags);
            let ldflags = format!("{} {flags}", link.ldflags);
            let tools = toolchain("gcc", "g++", &folder("amd64-installed"), &cflags, &ldflags);
            let name = format!("machines::{linker}::{}", link.name);
            let mut files = Files::of_host();
            if link.name == "shared" {
                files.shared = scratch().join("from-archive.so");
                cases.push(from_archive(&name, flags.clone(), link, files, tools));
            } else {
                cases.extend(all(&name, &files, link, &tools));
            }
        }
    }
    let lto = toolchain("gcc", "g++", &folder("amd64-installed"), "-flto", "-flto");
    cases.extend(all("machines::gcc-lto::static", &Files::of_host(), &LINKS[0], &lto));
    cases
}

/// A case for each implementation, with all harnesses.
fn all(name: &str, files: &Files, link: &Link, tools: &Toolchain) -> Vec<Case> {
    let one = |implementation: &&'static str| {
        let implementation = files.implementation(implementation, link.name);
        let tools = tools.clone();
        let name = format!("{name}::{}", implementation.name);
        Case::new(name, move || run(&implementation, &tools)).limit(600)
    };
    link.implementations.iter().map(one).collect()
}

fn run(implementation: &Implementation, tools: &Toolchain) -> Result<()> {
    for harness in PORTABLE.map(named) {
        check(&harness, implementation, tools)?;
    }
    let cplusplus = named("caller_in_cplusplus");
    // One with C++ needs no second processor.
    if tools.run.is_empty() && tools.cc != "musl-gcc" && cplusplus.is_for(implementation) {
        check(&cplusplus, implementation, tools)?;
    }
    Ok(())
}

/// Packagers link a library out of the archive, which must miss no symbol.
fn from_archive(name: &str, flags: String, link: &Link, files: Files, tools: Toolchain) -> Case {
    let implementation = files.implementation("shared", link.name);
    Case::new(format!("{name}::from_archive"), move || {
        let sh = Shell::new()?;
        let flags = flags.split_whitespace();
        let (archive, library) = (&files.archive, &files.shared);
        cmd!(sh, "gcc -shared -Wl,-u,master_notify -Wl,-z,defs {flags...} {archive} -o {library}")
            .run()?;
        run(&implementation, &tools)
    })
    .limit(600)
}
