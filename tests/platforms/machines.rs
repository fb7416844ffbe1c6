//! The portable harnesses on each machine and in each way to link, on Postfix's
//! own code first.

use testenv::artefacts::Implementation;
use testenv::harness::{PORTABLE, Toolchain, check, named};
use testenv::platforms::{MACHINES, cmocka_header, folder};
use testenv::prelude::*;

/// A way to link: its name, flags to compile with and to link with, and what is
/// linked so.
#[derive(Clone, Copy)]
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
/// With each of them.
pub const LINKER_FLAGS: &str = "-Wl,--gc-sections -Wl,-z,now -Wl,--as-needed";

/// What gcc and the installed Rust have made.
const HERE: &str = "amd64-installed";

/// What was built in the folder `home`, for a way to link.
fn implementation(home: &str, strong: bool, name: &'static str, link: &str) -> Implementation {
    let is_original = name == "original";
    let file = match name {
        "original" if link == "shared" => "liboriginal.so",
        "original" => "original.o",
        "object" => "master_proto.o",
        "archive" => "libmaster_proto.a",
        _ => "libmaster_proto.so",
    };
    let header = if is_original {
        testenv::tree::stock(testenv::tree::Kind::Static).join("src/master")
    } else {
        checkout().join("include")
    };
    let file = folder(home).join(file);
    Implementation { name, file, header, is_original, strong: is_original || strong }
}

/// A compiler with the cmocka that was compiled by it.
fn toolchain(cc: &str, home: &str, cflags: &str, ldflags: &str) -> Toolchain {
    let cflags = format!("-O2 -I {} {cflags}", cmocka_header().display());
    let mut tools = Toolchain::new(cc, &cc.replace("gcc", "g++")).flags(&cflags, ldflags);
    tools.cmocka = folder(home).join("cmocka.o").display().to_string();
    tools
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, home: &str, strong: bool, link: Link, tools: &Toolchain| {
        for one in link.implementations {
            let (one, tools) = (implementation(home, strong, one, link.name), tools.clone());
            let name = format!("machines::{name}::{}::{}", link.name, one.name);
            cases.push(Case::new(name, move || run(&one, &tools)).limit(600));
        }
    };
    let machines = MACHINES.map(|machine| {
        let emulator = |qemu| format!("qemu-{qemu}-static -L /usr/{}", machine.triple);
        let emulator = machine.qemu.map(emulator).unwrap_or_default();
        (machine.name, machine.cc(), emulator, machine.strong)
    });
    let musl = ("musl", "musl-gcc".to_owned(), String::new(), false);
    for (name, cc, emulator, strong) in machines.into_iter().chain([musl]) {
        for link in LINKS {
            let tools = toolchain(&cc, name, link.cflags, link.ldflags).run_by(&emulator);
            add(name, name, strong, link, &tools);
        }
    }
    add("gcc-lto", HERE, false, LINKS[0], &toolchain("gcc", HERE, "-flto", "-flto"));
    let by_linker = |linker: &str, link: Link| {
        let cflags = format!("{} -ffunction-sections", link.cflags);
        let ldflags = format!("{} -fuse-ld={linker} {LINKER_FLAGS}", link.ldflags);
        toolchain("gcc", HERE, &cflags, &ldflags)
    };
    for linker in LINKERS {
        for link in [LINKS[0], LINKS[2]] {
            add(linker, HERE, false, link, &by_linker(linker, link));
        }
    }
    for linker in LINKERS {
        let name = format!("machines::{linker}::shared::from_archive");
        let tools = by_linker(linker, LINKS[3]);
        cases.push(Case::new(name, move || from_archive(linker, &tools)).limit(600));
    }
    cases
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
fn from_archive(linker: &str, tools: &Toolchain) -> Result<()> {
    sh!("gcc -shared -Wl,-u,master_notify -Wl,-z,defs -fuse-ld={linker} {LINKER_FLAGS} \
            build/arch/{HERE}/libmaster_proto.a -o /tmp/libmaster_proto.so")?;
    let file = scratch().join("libmaster_proto.so");
    run(&Implementation { file, ..implementation(HERE, false, "shared", "shared") }, tools)
}
