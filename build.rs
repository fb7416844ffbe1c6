//! Decides what the compiler cannot know by itself: the library's SONAME, and
//! what the target's object format and assembler let us do.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // tools/build passes this file to LLVM, so cargo does not know that it is read.
    println!("cargo::rerun-if-changed=src/arm64-branch-protection.csv");
    println!("cargo::rustc-check-cfg=cfg(branch_protection, elf, stable_global_asm, weak_msg)");

    if target_is_elf() {
        println!("cargo::rustc-cfg=elf");
        // The library's own name, without which a C program would record the
        // file name that it was linked with. Only for the C library: cargo also
        // passes this argument on to dependents' cdylibs.
        if env::var_os("CARGO_FEATURE_CAPI").is_some() {
            let major = variable("CARGO_PKG_VERSION_MAJOR");
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmaster_proto.so.{major}");
        }
        if assembler_directives_are_stable() {
            println!("cargo::rustc-cfg=stable_global_asm");
            if env::var_os("CARGO_FEATURE_STRONG_MSG").is_none() {
                println!("cargo::rustc-cfg=weak_msg");
            }
        }
    }

    #[cfg(feature = "header")]
    generate_header();
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo did not set {name} for the build script"))
}

fn target_is_elf() -> bool {
    let vendor = variable("CARGO_CFG_TARGET_VENDOR");
    let family = env::var("CARGO_CFG_TARGET_FAMILY").unwrap_or_default();
    let os = variable("CARGO_CFG_TARGET_OS");
    family.split(',').any(|name| name == "unix")
        && vendor != "apple"
        && !["aix", "cygwin", "emscripten"].contains(&os.as_str())
}

/// `global_asm!` is stable only on some architectures.
fn assembler_directives_are_stable() -> bool {
    match variable("CARGO_CFG_TARGET_ARCH").as_str() {
        "x86" | "x86_64" | "arm" | "aarch64" | "riscv32" | "riscv64" | "loongarch64" | "s390x" => {
            true
        }
        "powerpc" | "powerpc64" => rustc_minor_version() >= 95,
        _ => false,
    }
}

fn rustc_minor_version() -> u32 {
    let rustc = variable("RUSTC");
    let output = std::process::Command::new(&rustc).arg("--version").output();
    let text = match output {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) => panic!("cannot run `{rustc} --version`: {error}"),
    };
    text.split('.')
        .nth(1)
        .and_then(|minor| minor.parse().ok())
        .unwrap_or_else(|| panic!("no version number in what `{rustc} --version` printed: {text}"))
}

/// Writes the header to where `make header` wants it, never into the source tree.
#[cfg(feature = "header")]
fn generate_header() {
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-env-changed=HEADER");
    let source = variable("CARGO_MANIFEST_DIR");
    let header = env::var("HEADER").unwrap_or_else(|_| variable("OUT_DIR") + "/master_proto.h");
    println!("cargo::rerun-if-changed={header}");
    match cbindgen::generate(&source) {
        Ok(bindings) => _ = bindings.write_to_file(header),
        Err(error) => panic!("cbindgen cannot make master_proto.h from {source}: {error}"),
    }
}
