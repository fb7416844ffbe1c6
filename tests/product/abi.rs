//! The object, the archive and the shared library are what the README promises.

use object::elf;
use object::read::archive::ArchiveFile;
use object::read::elf::{ElfFile64, ElfSection64, ProgramHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, RelocationFlags, SectionKind};
use std::collections::BTreeSet;
use testenv::prelude::*;

type Elf = ElfFile64<'static, Endianness>;
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
        .filter_map(|line| line.strip_prefix(artefact)?.trim().split_once(' '))
        .map(|(relation, name)| fact(relation, name.trim()))
        .collect()
}

fn fact(relation: &str, name: &str) -> (String, String) {
    (relation.to_owned(), name.to_owned())
}

fn symbol_facts<'data>(symbols: impl Iterator<Item = impl ObjectSymbol<'data>>) -> Facts {
    let mut facts = Facts::new();
    for symbol in symbols.filter(|symbol| symbol.is_global() || symbol.is_weak()) {
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
        assert!(visibility == elf::STV_DEFAULT || relation == "hides", "{name}: {visibility:?}");
        if !name.is_empty() {
            facts.insert(fact(relation, name));
        }
    }
    facts
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(artefact(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// An artefact, or another file by its whole path.
fn parse(path: &str) -> Elf {
    Elf::parse(&*read(path).leak()).expect("an ELF file")
}

fn object() -> Elf {
    parse("master_proto.o")
}

fn object_has_exactly_the_promised_symbols() -> Result<()> {
    assert_eq!(symbol_facts(object().symbols()), promised("object"));
    Ok(())
}

fn object_does_not_refer_to_panic_code() -> Result<()> {
    for symbol in object().symbols() {
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
    let object = object();
    let text = object.sections().filter(|section| section.kind() == SectionKind::Text);
    let relocations: Vec<_> = text.flat_map(|section| section.relocations()).collect();
    ensure!(!relocations.is_empty(), "no relocation in the text: nothing was checked");
    for (offset, relocation) in relocations {
        let RelocationFlags::Elf { r_type, .. } = relocation.flags() else {
            bail!("not an ELF relocation at {offset:#x}");
        };
        assert!(allowed.contains(&r_type), "{r_type:?} at {offset:#x}");
    }
    Ok(())
}

fn object_keeps_its_unwind_table() -> Result<()> {
    assert!(object().section_by_name(".eh_frame").expect(".eh_frame").size() > 0);
    Ok(())
}

/// The names of the sections that are not empty, of which something holds.
fn sections(holds: impl Fn(&ElfSection64<'static, '_, Endianness>) -> bool) -> Vec<String> {
    let object = object();
    let sections = object.sections().filter(|section| section.size() > 0 && holds(section));
    sections.map(|section| section.name().expect("text").to_owned()).collect()
}

fn object_has_one_function_and_no_system_call_of_its_own() -> Result<()> {
    assert_eq!(sections(|one| one.kind() == SectionKind::Text), [".text.master_notify"]);
    let code = sh!("objdump -d --no-show-raw-insn build/master_proto.o")?;
    ensure!(code.contains("<master_notify>:"), "{code}");
    for instruction in ["syscall", "sysenter", "int "] {
        assert!(!code.contains(instruction), "{code}");
    }
    Ok(())
}

fn table_of_references_is_aligned_as_pointers_are() -> Result<()> {
    let object = object();
    let table = object.section_by_name(".data.rel.ro").expect(".data.rel.ro");
    assert_eq!((table.size(), table.align()), (16, 8));
    Ok(())
}

fn object_asks_for_no_executable_stack() -> Result<()> {
    let object = object();
    let note = object.section_by_name(".note.GNU-stack").expect("the note");
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
    assert_eq!(sections(|one| section_flags(one) & elf::SHF_WRITE.0 != 0), [".data.rel.ro"]);
    Ok(())
}

fn archive_is_the_object_and_nothing_else() -> Result<()> {
    let data = read("libmaster_proto.a");
    let members = ArchiveFile::parse(&*data)?.members().collect::<Result<Vec<_>, _>>()?;
    let [member] = &members[..] else { bail!("{} members", members.len()) };
    assert_eq!(member.name(), b"master_proto.o");
    assert_eq!(member.data(&*data)?, read("master_proto.o"));
    Ok(())
}

fn shared_facts(file: &Elf) -> Result<Facts> {
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
    assert_eq!(shared_facts(&parse("libmaster_proto.so"))?, promised("shared"));
    Ok(())
}

fn shared_library_has_its_versioned_names() -> Result<()> {
    let full = format!("libmaster_proto.so.{}", manifest("version")?);
    for (link, target) in
        [("libmaster_proto.so", "libmaster_proto.so.1"), ("libmaster_proto.so.1", &full)]
    {
        assert_eq!(std::fs::read_link(artefact(link))?, Path::new(target));
    }
    assert!(artefact(&full).is_file());
    Ok(())
}

fn shared_library_is_small() -> Result<()> {
    sh!("strip -o /tmp/stripped.so build/libmaster_proto.so")?;
    let size = read("/tmp/stripped.so").len();
    assert!(size < 16 * 1024, "{size} bytes");
    Ok(())
}

/// Also with descriptor 5 closed, where the call returns -1.
fn archive_links(folder: &str) -> Result<()> {
    compile_caller(&format!(
        "cc -I include /tmp/caller.c {folder}/libmaster_proto.a -o /tmp/caller
        status=0
        /tmp/caller 5>&- || status=$?
        test $status = 255"
    ))?;
    calls_by("/tmp/caller")
}

/// Without this project's Makefile, in both profiles.
fn cargo_alone_builds_the_same_interface() -> Result<()> {
    let expected: Facts = promised("shared").union(&promised("cargo")).cloned().collect();
    for (profile, folder) in [("dev", "/tmp/target/debug"), ("release", "/tmp/target/release")] {
        sh!("cargo build --quiet --locked --features capi --profile {profile}")?;
        let file = parse(&format!("{folder}/libmaster_proto.so"));
        assert_eq!(shared_facts(&file)?, expected, "{profile}");
        // No landing pad was asked for.
        assert!(file.section_by_name(".note.gnu.property").is_none());
        // The archive holds the Rust runtime too, but a C program links.
        archive_links(folder)?;
    }
    Ok(())
}

/// With Rust's standard library inside, of which nothing is exported.
fn plain_cargo_builds_a_library_that_exports_the_same() -> Result<()> {
    sh!("cargo build --quiet --locked --release")?;
    let mut facts = shared_facts(&parse("/tmp/target/release/libmaster_proto.so"))?;
    facts.retain(|(relation, _)| relation == "defines");
    assert_eq!(facts, Facts::from([fact("defines", "master_notify")]));
    archive_links("/tmp/target/release")
}

fn ldflags_reach_the_shared_library_alone() -> Result<()> {
    let dynamic = sh!("export LDFLAGS='-Wl,-z,nodelete -Wl,-rpath,/nowhere'
        tools/build /tmp/flags >&2
        readelf -dW /tmp/flags/libmaster_proto.so")?;
    ensure!(dynamic.contains("NODELETE") && dynamic.contains("[/nowhere]"), "{dynamic}");
    assert_eq!(read("/tmp/flags/master_proto.o"), read("master_proto.o"));
    Ok(())
}
