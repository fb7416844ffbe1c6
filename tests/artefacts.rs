//! The object, the archive and the shared library are what the README promises.

use object::elf;
use object::read::archive::ArchiveFile;
use object::read::elf::{ElfFile64, ProgramHeader};
use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, SectionKind};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

type Elf<'data> = ElfFile64<'data, object::Endianness>;
type Facts = BTreeSet<(String, String)>;

/// The top of the checkout.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with what `make` builds.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("artefacts");
        run(Command::new(root().join("scripts/build.sh")).arg(&folder));
        folder
    })
}

/// Runs a command; if it fails, the test fails with all that it printed.
fn run(command: &mut Command) {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("cannot run {command:?}: {error}"),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{text}{errors}");
}

/// The lines of `tests/abi.txt` about one artefact.
fn promised(artefact: &str) -> Facts {
    include_str!("abi.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words[0] == artefact)
        .map(|words| (words[1].to_owned(), words[2].to_owned()))
        .collect()
}

fn fact(relation: &str, name: &str) -> (String, String) {
    (relation.to_owned(), name.to_owned())
}

fn symbol_facts<'data: 'file, 'file>(
    symbols: impl Iterator<Item = impl ObjectSymbol<'data>>,
) -> Facts {
    symbols
        .filter(|symbol| symbol.is_global() || symbol.is_weak())
        .filter_map(|symbol| {
            let name = symbol.name().expect("a symbol's name is text").to_owned();
            // Hidden or protected symbols could not be preloaded over, or at all.
            let object::SymbolFlags::Elf { st_other, .. } = symbol.flags() else {
                panic!("{name} is not an ELF symbol");
            };
            assert_eq!(st_other.visibility(), elf::STV_DEFAULT, "{name}");
            let relation = match (symbol.is_undefined(), symbol.is_weak()) {
                (false, _) => "defines",
                (true, false) => "needs",
                (true, true) => "needs-weakly",
            };
            (!name.is_empty()).then(|| (relation.to_owned(), name))
        })
        .collect()
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn object_bytes() -> Vec<u8> {
    read(&built().join("master_proto.o"))
}

fn parse(data: &[u8]) -> Elf<'_> {
    Elf::parse(data).expect("an ELF file")
}

#[test]
fn object_has_exactly_the_promised_symbols() {
    let data = object_bytes();
    assert_eq!(symbol_facts(parse(&data).symbols()), promised("object"));
}

#[test]
fn object_does_not_refer_to_panic_code() {
    let data = object_bytes();
    for symbol in parse(&data).symbols() {
        let name = symbol.name().expect("a symbol's name is text");
        for word in ["panic", "unwind", "personality", "core"] {
            assert!(!name.contains(word), "{name}");
        }
    }
}

/// Weak or not, a reference to code or data from the text goes through the
/// program counter, or the object could not be part of a shared library.
#[test]
#[cfg(target_arch = "x86_64")]
fn object_is_position_independent() {
    let allowed = [
        elf::R_X86_64_PC32,
        elf::R_X86_64_PLT32,
        elf::R_X86_64_GOTPCREL,
        elf::R_X86_64_GOTPCRELX,
        elf::R_X86_64_REX_GOTPCRELX,
    ];
    let data = object_bytes();
    let file = parse(&data);
    let mut seen = 0;
    for section in file.sections().filter(|s| s.kind() == SectionKind::Text) {
        for (offset, relocation) in section.relocations() {
            let RelocationFlags::Elf { r_type, .. } = relocation.flags() else {
                panic!("not an ELF relocation at {offset:#x}");
            };
            assert!(allowed.contains(&r_type), "{r_type:?} at {offset:#x}");
            seen += 1;
        }
    }
    assert!(seen > 0, "no relocation in the text: nothing was checked");
}

#[test]
fn object_keeps_its_unwind_table() {
    let data = object_bytes();
    let file = parse(&data);
    let table = file.section_by_name(".eh_frame").expect(".eh_frame");
    assert!(table.size() > 0);
}

#[test]
fn table_of_references_is_aligned_as_pointers_are() {
    let data = object_bytes();
    let file = parse(&data);
    let table = file.section_by_name(".data.rel.ro").expect(".data.rel.ro");
    assert_eq!(table.size(), 16);
    assert_eq!(table.align(), 8);
}

#[test]
fn object_asks_for_no_executable_stack() {
    let data = object_bytes();
    let file = parse(&data);
    let note = file.section_by_name(".note.GNU-stack").expect("the note");
    assert_eq!(section_flags(&note) & elf::SHF_EXECINSTR.0, 0);
}

fn section_flags<'data>(section: &impl ObjectSection<'data>) -> u64 {
    match section.flags() {
        object::SectionFlags::Elf { sh_flags, .. } => sh_flags.0,
        other => panic!("not an ELF section: {other:?}"),
    }
}

#[test]
fn object_has_nothing_writable_after_relocation() {
    let data = object_bytes();
    let writable: Vec<_> = parse(&data)
        .sections()
        .filter(|section| section_flags(section) & elf::SHF_WRITE.0 != 0)
        .filter(|section| section.size() > 0)
        .map(|section| section.name().expect("a section's name is text").to_owned())
        .collect();
    assert_eq!(writable, [".data.rel.ro"]);
}

#[test]
fn archive_is_the_object_and_nothing_else() {
    let data = read(&built().join("libmaster_proto.a"));
    let archive = ArchiveFile::parse(&*data).expect("an archive");
    let members: Vec<_> = archive
        .members()
        .map(|member| member.expect("a member"))
        .map(|member| {
            let name = String::from_utf8_lossy(member.name()).into_owned();
            (name, member.data(&*data).expect("its data").to_vec())
        })
        .collect();
    assert_eq!(members, [("master_proto.o".to_owned(), object_bytes())]);
}

fn check_shared_library(path: &Path) {
    let data = read(path);
    let file = parse(&data);
    let mut facts = symbol_facts(file.dynamic_symbols());
    let table = file.elf_dynamic_table().expect("a dynamic section");
    let (mut flags, mut flags_1) = (0, 0);
    for entry in table.iter() {
        let text = || {
            let bytes = table.string(entry).expect("a string");
            String::from_utf8_lossy(bytes).into_owned()
        };
        match entry.tag {
            elf::DT_SONAME => _ = facts.insert(fact("soname", &text())),
            elf::DT_NEEDED => _ = facts.insert(fact("library", &text())),
            elf::DT_FLAGS => flags = entry.val,
            elf::DT_FLAGS_1 => flags_1 = entry.val,
            elf::DT_TEXTREL => panic!("{} has text relocations", path.display()),
            _ => {}
        }
    }
    assert_eq!(facts, promised("shared"), "{}", path.display());
    assert_eq!(flags & elf::DF_TEXTREL.0, 0, "text relocations");
    assert_ne!(flags & elf::DF_BIND_NOW.0, 0, "no BIND_NOW");
    assert_ne!(flags_1 & elf::DF_1_NOW.0, 0, "no NOW");

    let endian = file.endian();
    let has = |kind| {
        file.elf_program_headers()
            .iter()
            .any(|header| header.p_type(endian) == kind)
    };
    assert!(has(elf::PT_GNU_RELRO), "no RELRO segment");
    let stack = file
        .elf_program_headers()
        .iter()
        .find(|header| header.p_type(endian) == elf::PT_GNU_STACK)
        .expect("a stack segment");
    assert_eq!(stack.p_flags(endian).0 & elf::PF_X.0, 0, "executable stack");
}

#[test]
fn shared_library_is_as_promised() {
    check_shared_library(&built().join("libmaster_proto.so"));
}

#[test]
fn shared_library_has_its_versioned_names() {
    let link = |name: &str| {
        let path = built().join(name);
        let target = std::fs::read_link(&path);
        target.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let version = env!("CARGO_PKG_VERSION");
    let full = format!("libmaster_proto.so.{version}");
    assert_eq!(
        link("libmaster_proto.so").as_os_str(),
        "libmaster_proto.so.1"
    );
    assert_eq!(link("libmaster_proto.so.1").as_os_str(), &*full);
    assert!(built().join(full).is_file());
}

#[test]
fn shared_library_is_small() {
    let stripped = built().join("stripped.so");
    run(Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(built().join("libmaster_proto.so")));
    let size = read(&stripped).len();
    assert!(size < 16 * 1024, "{size} bytes");
}

/// `cargo build`, without this project's Makefile, in both profiles.
#[test]
fn cargo_alone_builds_the_same_interface() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cargo-alone");
    for (profile, folder) in [("dev", "debug"), ("release", "release")] {
        run(Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--profile", profile])
            .arg("--manifest-path")
            .arg(root().join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target));
        check_shared_library(&target.join(folder).join("libmaster_proto.so"));

        // The archive holds the Rust runtime too, but a C program links.
        let program = target.join(format!("caller-{profile}"));
        let source = target.join("caller.c");
        std::fs::write(
            &source,
            "#include <master_proto.h>\n\
             int main(void) { return master_notify(1, 2, 3) == -1 ? 0 : 1; }\n",
        )
        .expect("a C file");
        run(Command::new("cc")
            .arg("-I")
            .arg(root().join("include"))
            .arg(&source)
            .arg(target.join(folder).join("libmaster_proto.a"))
            .arg("-o")
            .arg(&program));
        // Descriptor 5 is closed for it, so the call fails: EBADF.
        run(Command::new("sh")
            .args(["-c", "exec \"$0\" 5>&-"])
            .arg(&program));
    }
}
