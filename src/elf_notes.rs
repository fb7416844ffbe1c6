// The ELF notes of the function: name and version, and branch protection. Part of
// lib.rs, which includes this file.

/// The owner of the note that `readelf -n` shows in whatever the code was linked into.
macro_rules! owner {
    () => {
        concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"))
    };
}

/// The type of that note: "mp", which is none of the types that readelf knows.
const NOTE_TYPE: u32 = 0x6d70;

// Without a flag, the section is not loaded.
#[cfg(stable_global_asm)]
core::arch::global_asm!(
    ".pushsection .note.master_proto, \"\", %note",
    ".balign 4",
    ".long {size}, 0, {kind}",
    concat!(".asciz \"", owner!(), "\""),
    ".balign 4",
    ".popsection",
    size = const owner!().len() + 1,
    kind = const NOTE_TYPE,
);

/// The same note without the assembler: the compiler can only make a section that is loaded.
#[cfg(not(stable_global_asm))]
#[used]
#[unsafe(link_section = ".note.master_proto")]
static NOTE: Note = {
    let text = owner!().as_bytes();
    let mut owner = [0; NOTE_OWNER];
    let mut at = 0;
    while at < text.len() {
        owner[at] = text[at];
        at += 1;
    }
    Note { sizes_and_type: [text.len() as u32 + 1, 0, NOTE_TYPE], owner }
};

/// The owner ends with NUL, and is padded to whole words.
#[cfg(not(stable_global_asm))]
const NOTE_OWNER: usize = (owner!().len() + 1).next_multiple_of(4);

#[cfg(not(stable_global_asm))]
#[repr(C)]
struct Note {
    sizes_and_type: [u32; 3],
    owner: [u8; NOTE_OWNER],
}

// The GNU property note: the code begins with landing pads and leaves return
// addresses alone (IBT and SHSTK, or BTI and PAC). Only tools/build sets the
// condition, since only there the compiler is told to make landing pads.
#[cfg(branch_protection)]
core::arch::global_asm!(
    ".pushsection .note.gnu.property, \"a\", %note",
    ".balign 8",
    ".long 4, 16, 5",
    ".asciz \"GNU\"",
    ".long {property}, 4, 3, 0",
    ".popsection",
    property = const if cfg!(target_arch = "x86_64") { 0xc000_0002_u32 } else { 0xc000_0000 },
);
