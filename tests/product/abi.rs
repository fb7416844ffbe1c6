//! The object, the archive and the shared library are what the README promises.

use object::elf;
use object::read::archive::ArchiveFile;
use object::read::elf::{ElfFile64, ProgramHeader};
use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, SectionKind};
use std::collections::BTreeSet;
use testenv::prelude::*;

type Elf<'data> = ElfFile64<'data, object::Endianness>;
type Facts = BTreeSet<(String, String)>;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        object_has_exactly_the_promised_symbols,
        object_does_not_refer_to_panic_code,
        object_is_position_independent,
        object_keeps_its_unwind_table,
        object_has_one_function_and_no_system_call_of_its_own,
        table_of_references_is_aligned_as_pointers_are,
        object_asks_for_no_executable_stack,
        object_has_nothing_writable_after_relocation,
        archive_is_the_object_and_nothing_else,
        shared_library_is_as_promised,
        shared_library_has_its_versioned_names,
        shared_library_is_small,
        cargo_alone_builds_the_same_interface,
        plain_cargo_builds_a_library_that_exports_the_same,
        ldflags_reach_the_shared_library_alone,
    ]
}

/// The lines of `abi.txt` about one artefact.
fn promised(artefact: &str) -> Facts {
    include_str!("../abi.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words[0] == artefact)
        .map(|words| fact(words[1], words[2]))
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
            let name = symbol.name().expect("a symbol's name is text");
            let object::SymbolFlags::Elf { st_other, .. } = symbol.flags() else {
                panic!("{name} is not an ELF symbol");
            };
            let visibility = st_other.visibility();
            let relation = match (symbol.is_undefined(), symbol.is_weak()) {
                (false, _) if visibility == elf::STV_HIDDEN => "hides",
                (false, _) => "defines",
                (true, false) => "needs",
                (true, true) => "needs-weakly",
            };
            // Protected symbols could not be preloaded over.
            assert!(
                visibility == elf::STV_DEFAULT || relation == "hides",
                "{name}: {visibility:?}"
            );
            (!name.is_empty()).then(|| fact(relation, name))
        })
        .collect()
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    let path = path.as_ref();
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn object_bytes() -> Vec<u8> {
    read(artefact("master_proto.o"))
}

fn parse(data: &[u8]) -> Elf<'_> {
    Elf::parse(data).expect("an ELF file")
}

fn object_has_exactly_the_promised_symbols() -> Result<()> {
    let data = object_bytes();
    assert_eq!(symbol_facts(parse(&data).symbols()), promised("object"));
    Ok(())
}

fn object_does_not_refer_to_panic_code() -> Result<()> {
    let data = object_bytes();
    for symbol in parse(&data).symbols() {
        let name = symbol.name()?;
        for word in ["panic", "unwind", "personality", "core"] {
            assert!(!name.contains(word), "{name}");
        }
    }
    Ok(())
}

/// Weak or not, a reference to code or data from the text goes through the
/// program counter, or the object could not be part of a shared library.
fn object_is_position_independent() -> Result<()> {
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
                bail!("not an ELF relocation at {offset:#x}");
            };
            assert!(allowed.contains(&r_type), "{r_type:?} at {offset:#x}");
            seen += 1;
        }
    }
    ensure!(seen > 0, "no relocation in the text: nothing was checked");
    Ok(())
}

fn object_keeps_its_unwind_table() -> Result<()> {
    let data = object_bytes();
    let file = parse(&data);
    let table = file.section_by_name(".eh_frame").expect(".eh_frame");
    assert!(table.size() > 0);
    Ok(())
}

fn object_has_one_function_and_no_system_call_of_its_own() -> Result<()> {
    let data = object_bytes();
    let file = parse(&data);
    let text: Vec<_> = file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text && section.size() > 0)
        .collect();
    let names: Vec<_> = text.iter().map(|section| section.name()).collect();
    assert_eq!(names, [Ok(".text.master_notify")]);
    let sh = Shell::new()?;
    let object = artefact("master_proto.o");
    let code = cmd!(sh, "objdump -d --no-show-raw-insn {object}").read()?;
    ensure!(code.contains("<master_notify>:"), "{code}");
    for instruction in ["syscall", "sysenter", "int "] {
        assert!(!code.contains(instruction), "{code}");
    }
    Ok(())
}

fn table_of_references_is_aligned_as_pointers_are() -> Result<()> {
    let data = object_bytes();
    let file = parse(&data);
    let table = file.section_by_name(".data.rel.ro").expect(".data.rel.ro");
    assert_eq!((table.size(), table.align()), (16, 8));
    Ok(())
}

fn object_asks_for_no_executable_stack() -> Result<()> {
    let data = object_bytes();
    let file = parse(&data);
    let note = file.section_by_name(".note.GNU-stack").expect("the note");
    assert_eq!(section_flags(&note) & elf::SHF_EXECINSTR.0, 0);
    Ok(())
}

fn section_flags<'data>(section: &impl ObjectSection<'data>) -> u64 {
    match section.flags() {
        object::SectionFlags::Elf { sh_flags, .. } => sh_flags.0,
        other => panic!("not an ELF section: {other:?}"),
    }
}

fn object_has_nothing_writable_after_relocation() -> Result<()> {
    let data = object_bytes();
    let file = parse(&data);
    let writable: Vec<_> = file
        .sections()
        .filter(|section| section_flags(section) & elf::SHF_WRITE.0 != 0)
        .filter(|section| section.size() > 0)
        .map(|section| section.name().expect("text").to_owned())
        .collect();
    assert_eq!(writable, [".data.rel.ro"]);
    Ok(())
}

fn archive_is_the_object_and_nothing_else() -> Result<()> {
    let data = read(artefact("libmaster_proto.a"));
    let mut members = Vec::new();
    for member in ArchiveFile::parse(&*data)?.members() {
        let member = member?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        members.push((name, member.data(&*data)?.to_vec()));
    }
    assert_eq!(members, [("master_proto.o".to_owned(), object_bytes())]);
    Ok(())
}

fn shared_facts(file: &Elf<'_>) -> Result<Facts> {
    let mut facts = symbol_facts(file.dynamic_symbols());
    let table = file.elf_dynamic_table().context("a dynamic section")?;
    let (mut flags, mut flags_1) = (0, 0);
    for entry in table.iter() {
        let text = || table.string(entry).map(String::from_utf8_lossy);
        match entry.tag {
            elf::DT_SONAME => _ = facts.insert(fact("soname", &text()?)),
            elf::DT_NEEDED => _ = facts.insert(fact("library", &text()?)),
            elf::DT_FLAGS => flags = entry.val,
            elf::DT_FLAGS_1 => flags_1 = entry.val,
            elf::DT_TEXTREL => bail!("text relocations"),
            _ => {}
        }
    }
    assert_eq!(flags & elf::DF_TEXTREL.0, 0, "text relocations");
    assert_ne!(flags & elf::DF_BIND_NOW.0, 0, "no BIND_NOW");
    assert_ne!(flags_1 & elf::DF_1_NOW.0, 0, "no NOW");

    let headers = file.elf_program_headers();
    let segment = |kind| headers.iter().find(|one| one.p_type(file.endian()) == kind);
    segment(elf::PT_GNU_RELRO).context("no RELRO segment")?;
    let stack = segment(elf::PT_GNU_STACK).context("no stack segment")?;
    assert_eq!(stack.p_flags(file.endian()).0 & elf::PF_X.0, 0);
    Ok(facts)
}

fn shared_library_is_as_promised() -> Result<()> {
    let data = read(artefact("libmaster_proto.so"));
    assert_eq!(shared_facts(&parse(&data))?, promised("shared"));
    Ok(())
}

fn shared_library_has_its_versioned_names() -> Result<()> {
    let full = format!("libmaster_proto.so.{}", crate::ships::manifest("version")?);
    for (link, target) in
        [("libmaster_proto.so", "libmaster_proto.so.1"), ("libmaster_proto.so.1", &full)]
    {
        assert_eq!(std::fs::read_link(artefact(link))?, Path::new(target));
    }
    assert!(artefact(&full).is_file());
    Ok(())
}

fn shared_library_is_small() -> Result<()> {
    let stripped = scratch().join("stripped.so");
    let library = artefact("libmaster_proto.so");
    let sh = Shell::new()?;
    cmd!(sh, "strip -o {stripped} {library}").run()?;
    let size = read(&stripped).len();
    assert!(size < 16 * 1024, "{size} bytes");
    Ok(())
}

/// Calls it with descriptor 5 closed: EBADF.
fn archive_links(archive: &Path) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(scratch());
    let include = checkout().join("include");
    sh.write_file(
        "caller.c",
        "#include <master_proto.h>\n\
         int main(void) { return master_notify(1, 2, 3) == -1 ? 0 : 1; }\n",
    )?;
    cmd!(sh, "cc -I {include} caller.c {archive} -o caller").run()?;
    Ok(cmd!(sh, "sh -c './caller 5>&-'").run()?)
}

/// Without this project's Makefile, in both profiles.
fn cargo_alone_builds_the_same_interface() -> Result<()> {
    let sh = Shell::new()?;
    let expected: Facts = promised("shared").union(&promised("cargo")).cloned().collect();
    for (profile, folder) in [("dev", "debug"), ("release", "release")] {
        cmd!(sh, "cargo build --quiet --locked --features capi --profile {profile}").run()?;
        let built = scratch().join("target").join(folder);
        let data = read(built.join("libmaster_proto.so"));
        let file = parse(&data);
        assert_eq!(shared_facts(&file)?, expected, "{profile}");
        // No landing pad was asked for.
        assert!(file.section_by_name(".note.gnu.property").is_none());
        // The archive holds the Rust runtime too, but a C program links.
        archive_links(&built.join("libmaster_proto.a"))?;
    }
    Ok(())
}

/// With Rust's standard library inside, of which nothing is exported.
fn plain_cargo_builds_a_library_that_exports_the_same() -> Result<()> {
    let sh = Shell::new()?;
    cmd!(sh, "cargo build --quiet --locked --release").run()?;
    let built = scratch().join("target/release");
    let data = read(built.join("libmaster_proto.so"));
    let facts = shared_facts(&parse(&data))?;
    let defined: Vec<_> = facts.iter().filter(|fact| fact.0 == "defines").collect();
    assert_eq!(defined, [&fact("defines", "master_notify")]);
    archive_links(&built.join("libmaster_proto.a"))
}

fn ldflags_reach_the_shared_library_alone() -> Result<()> {
    let sh = Shell::new()?;
    let _flags = sh.push_env("LDFLAGS", "-Wl,-z,nodelete -Wl,-rpath,/nowhere");
    cmd!(sh, "tools/build /tmp/flags").run()?;
    let dynamic = cmd!(sh, "readelf -dW /tmp/flags/libmaster_proto.so").read()?;
    ensure!(dynamic.contains("NODELETE"), "{dynamic}");
    ensure!(dynamic.contains("[/nowhere]"), "{dynamic}");
    assert_eq!(read("/tmp/flags/master_proto.o"), object_bytes());
    Ok(())
}
