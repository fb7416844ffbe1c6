//! Other processors, C libraries, linkers and systems: what they are, and what
//! `make` fetches and builds for them in `build/arch`, before tests run there.

use crate::apt::{self, Lists};
use crate::progress::Progress;
use crate::{Context, Result, Shell, checkout, cmd, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A version of Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rust {
    /// The oldest that builds this library.
    Minimum,
    /// The newest that the host's release has.
    Newest,
    /// The one that builds the library here.
    Installed,
}

/// A processor, and the compilers for it.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// The name of its cases and of its folder.
    pub name: &'static str,
    /// In Debian's words.
    pub processor: &'static str,
    /// What gcc is called for it.
    pub triple: &'static str,
    /// What Rust calls it.
    pub target: &'static str,
    /// The emulator; none where it runs here.
    pub qemu: Option<&'static str>,
    /// What the library is compiled with. Debian has no library of the minimum
    /// version for riscv64.
    pub rust: Rust,
    /// Whether the references to `msg_verbose` and `msg_info` must be strong.
    pub strong: bool,
}

const fn machine(
    name: &'static str,
    processor: &'static str,
    triple: &'static str,
    target: &'static str,
    qemu: Option<&'static str>,
    rust: Rust,
    strong: bool,
) -> Machine {
    Machine { name, processor, triple, target, qemu, rust, strong }
}

const AMD64: (&str, &str) = ("x86_64-linux-gnu", "x86_64-unknown-linux-gnu");
const PPC64EL: (&str, &str) = ("powerpc64le-linux-gnu", "powerpc64le-unknown-linux-gnu");

/// All on which harnesses run.
#[rustfmt::skip]
pub const MACHINES: [Machine; 11] = [
    machine("amd64", "amd64", AMD64.0, AMD64.1, None, Rust::Minimum, false),
    machine("i386", "i386", "i686-linux-gnu", "i686-unknown-linux-gnu", Some("i386"), Rust::Minimum, false),
    machine("arm64", "arm64", "aarch64-linux-gnu", "aarch64-unknown-linux-gnu", Some("aarch64"), Rust::Minimum, false),
    machine("arm64-newest", "arm64", "aarch64-linux-gnu", "aarch64-unknown-linux-gnu", Some("aarch64"), Rust::Newest, false),
    machine("armhf", "armhf", "arm-linux-gnueabihf", "armv7-unknown-linux-gnueabihf", Some("arm"), Rust::Minimum, false),
    machine("s390x", "s390x", "s390x-linux-gnu", "s390x-unknown-linux-gnu", Some("s390x"), Rust::Minimum, false),
    machine("ppc64el", "ppc64el", PPC64EL.0, PPC64EL.1, Some("ppc64le"), Rust::Minimum, true),
    machine("ppc64el-newest", "ppc64el", PPC64EL.0, PPC64EL.1, Some("ppc64le"), Rust::Newest, false),
    machine("riscv64", "riscv64", "riscv64-linux-gnu", "riscv64gc-unknown-linux-gnu", Some("riscv64"), Rust::Newest, false),
    machine("amd64-installed", "amd64", AMD64.0, AMD64.1, None, Rust::Installed, false),
    machine("amd64-strong", "amd64", AMD64.0, AMD64.1, None, Rust::Installed, true),
];

/// A system or processor that stands for others: only the object is compiled.
#[derive(Clone, Copy, Debug)]
pub struct ObjectOnly {
    /// The system.
    pub system: &'static str,
    /// The processor in Debian's words.
    pub processor: &'static str,
    /// What Rust calls both.
    pub target: &'static str,
    /// As for [`Machine`].
    pub strong: bool,
}

/// All for which no more is done.
#[rustfmt::skip]
pub const OBJECTS: [ObjectOnly; 3] = [
    ObjectOnly { system: "FreeBSD", processor: "amd64", target: "x86_64-unknown-freebsd", strong: false },
    ObjectOnly { system: "macOS", processor: "arm64", target: "aarch64-apple-darwin", strong: true },
    ObjectOnly { system: "Linux", processor: "mips64el", target: "mips64el-unknown-linux-gnuabi64", strong: true },
];

const ZIG_VERSION: &str = "0.17.1";

/// The Zig compiler, which has the headers of many systems.
pub fn zig() -> PathBuf {
    folder(&format!("zig-{ZIG_VERSION}")).join("ziglang/zig")
}

/// What is built for a machine or target, or with another compiler.
pub fn folder(name: &str) -> PathBuf {
    checkout().join("build/arch").join(name)
}

/// The header of cmocka, for all.
pub fn cmocka_header() -> PathBuf {
    folder("cmocka").join("include")
}

/// The oldest Rust that builds this library, from its manifest.
pub fn minimum_rust() -> Result<String> {
    crate::manifest("rust-version")
}

/// Fetches and builds all of it.
pub fn prepare() -> Result<()> {
    ensure!(
        cfg!(target_arch = "x86_64"),
        "this runs on amd64 alone, whose compilers for the other processors it uses."
    );
    let mut progress = Progress::start("arch", false)?;
    progress.step("Debian's source of cmocka", fetch_cmocka)?;
    progress.step(&format!("Zig {ZIG_VERSION}"), fetch_zig)?;
    progress.step("musl and the linkers", || {
        build_cmocka("musl-gcc", &folder("musl"))?;
        build_shared(
            "musl-gcc",
            &checkout().join("build/master_proto.o"),
            &folder("musl"),
            "object",
        )?;
        let original = checkout().join("build/original/original.o");
        build_shared("musl-gcc", &original, &folder("musl"), "original")
    })?;
    for machine in &MACHINES {
        progress.step(machine.name, || machine.prepare())?;
    }
    for object in &OBJECTS {
        progress.step(object.target, || {
            let rustc = Compiler::of_debian(Rust::Newest)?.with_core_from_source(object.target)?;
            let variables = [("TARGET", object.target), ("LINK", "0")];
            build_library(&folder(object.target), &variables, Some(&rustc))
        })?;
    }
    Ok(fs::write(folder("ready"), "")?)
}

impl Machine {
    /// The C compiler.
    pub fn cc(&self) -> String {
        format!("{}-gcc", self.triple)
    }

    /// What is built for it.
    pub fn folder(&self) -> PathBuf {
        folder(self.name)
    }

    fn prepare(&self) -> Result<()> {
        let out = self.folder();
        let cc = self.cc();
        let linker = self.target.to_uppercase().replace('-', "_");
        let linker = format!("CARGO_TARGET_{linker}_LINKER");
        let objcopy = format!("{}-objcopy", self.triple);
        let mut variables = vec![
            ("TARGET", self.target),
            (linker.as_str(), cc.as_str()),
            ("OBJCOPY", objcopy.as_str()),
        ];
        let rustc = match self.rust {
            Rust::Installed => None,
            Rust::Minimum => {
                let compiler = Compiler::of_debian(Rust::Minimum)?;
                Some(compiler.with_core_from_debian(self.target, self.processor)?)
            }
            Rust::Newest => {
                let compiler = Compiler::of_debian(Rust::Newest)?;
                Some(compiler.with_core_from_source(self.target)?)
            }
        };
        // A target without weak references gets strong ones unasked; amd64 is told.
        if self.strong && self.rust == Rust::Installed {
            variables.push(("CARGO_FLAGS", "--features strong-msg"));
        }
        build_library(&out, &variables, rustc.as_deref())?;

        let tree = checkout().join("build/postfix/static");
        let system = crate::tree::setting(&tree, "SYSTYPE")?;
        let original = out.join("original.o");
        let sh = Shell::new()?;
        let flags = ["-O2", "-fPIC", "-DNO_DB", "-DNO_NIS", "-DNO_EAI", "-Wno-comment"];
        cmd!(sh, "{cc} {flags...} -D{system} -I {tree}/include -c {tree}/src/master/master_proto.c -o {original}").run()?;
        build_shared(&cc, &original, &out, "original")?;
        build_cmocka(&cc, &out)
    }
}

fn build_library(out: &Path, variables: &[(&str, &str)], rustc: Option<&Path>) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(checkout());
    for (name, value) in variables {
        sh.set_var(name, value);
    }
    if let Some(rustc) = rustc {
        sh.set_var("RUSTC", rustc);
    }
    Ok(cmd!(sh, "tools/build {out}").run()?)
}

/// A shared library out of an object.
fn build_shared(cc: &str, object: &Path, out: &Path, name: &str) -> Result<()> {
    let sh = Shell::new()?;
    let library = out.join(format!("lib{name}.so"));
    Ok(cmd!(sh, "{cc} -shared {object} -Wl,-soname,lib{name}.so -o {library}").run()?)
}

fn fetch_cmocka() -> Result<()> {
    let to = folder("cmocka");
    if to.exists() {
        return Ok(());
    }
    let files = folder("cmocka-download");
    apt::source("cmocka", None, &files)?;
    let tarball = apt::original(&files)?;
    apt::freshly(&to, |new| {
        fs::remove_dir(new)?;
        crate::tree::unpack(&tarball, new)
    })
}

/// Debian has no static library of it, and none for the others. These are all
/// that its own build would find out about a Unix of today.
fn build_cmocka(cc: &str, out: &Path) -> Result<()> {
    if out.join("libcmocka.a").exists() {
        return Ok(());
    }
    fs::create_dir_all(out)?;
    let home = folder("cmocka");
    let has = [
        "INTTYPES_H",
        "MALLOC_H",
        "SIGNAL_H",
        "STRINGS_H",
        "GCC_THREAD_LOCAL_STORAGE",
        "SIGLONGJMP",
        "STRSIGNAL",
        "STRUCT_TIMESPEC",
        "CLOCK_REALTIME",
    ];
    let has = has.map(|name| format!("-DHAVE_{name}"));
    let sh = Shell::new()?;
    sh.change_dir(out);
    cmd!(sh, "{cc} -O2 -fPIC -w {has...} -I {home}/include -c {home}/src/cmocka.c -o cmocka.o")
        .run()?;
    Ok(cmd!(sh, "ar rcsD libcmocka.a cmocka.o").run()?)
}

fn fetch_zig() -> Result<()> {
    let to = folder(&format!("zig-{ZIG_VERSION}"));
    if to.exists() {
        return Ok(());
    }
    apt::freshly(&to, |new| {
        let sh = Shell::new()?;
        cmd!(sh, "python3 -m pip install --quiet --no-deps --target {new} ziglang=={ZIG_VERSION}")
            .run()
            .map_err(|error| apt::mirror_error(format!("Zig cannot be fetched: {error}")))
    })
}

/// A Rust compiler of Debian, unpacked without being installed.
struct Compiler {
    /// Of its packages.
    version: String,
    /// `rustc`, or `rustc-web` where Debian has two at a time.
    package: String,
    home: PathBuf,
}

impl Compiler {
    fn of_debian(wanted: Rust) -> Result<Compiler> {
        static FOUND: [OnceLock<(String, String)>; 2] = [OnceLock::new(), OnceLock::new()];
        let minimum = minimum_rust()?;
        let kept = &FOUND[usize::from(wanted == Rust::Newest)];
        if kept.get().is_none() {
            let lists = Lists::binaries("amd64")?;
            let mut best: Option<(String, String)> = None;
            for package in ["rustc", "rustc-web"] {
                for version in versions(&lists, package)? {
                    let right =
                        wanted == Rust::Newest || version.starts_with(&format!("{minimum}."));
                    if right && best.as_ref().is_none_or(|(than, _)| is_newer(&version, than)) {
                        best = Some((version, package.to_owned()));
                    }
                }
            }
            let best = best.with_context(|| {
                format!("this release of Debian has no Rust {minimum}, neither as rustc nor as rustc-web")
            })?;
            _ = kept.set(best);
        }
        let (version, package) = kept.get().cloned().context("no Rust")?;
        let short: Vec<_> = version.splitn(3, '.').take(2).collect();
        let short = short.join(".");
        let home = folder(&format!("rust-{short}"));
        let compiler = Compiler { version, package, home };
        if !compiler.home.exists() {
            apt::freshly(&compiler.home, |new| compiler.unpack(&short, new))?;
        }
        Ok(compiler)
    }

    fn unpack(&self, short: &str, new: &Path) -> Result<()> {
        let lists = Lists::binaries("amd64")?;
        let version = &self.version;
        let library = self.package.replacen("rustc", "libstd-rust", 1);
        let library = format!("{library}-{short}={version}");
        // The one that LLVM comes in is called after its version.
        let depends = lists.apt_cache(&["depends", &library])?;
        let llvm = depends
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .find(|name| name.starts_with("libllvm"))
            .with_context(|| format!("{library} depends on no libllvm"))?;
        let compiler = format!("{}={version}", self.package);
        let development = format!("{}={version}", self.development());
        for package in [&compiler, &library, llvm, &development] {
            apt::unpack(&lists, package, new, &[])?;
        }
        // Only this variable leads the compiler to its own libraries.
        let script = "#!/bin/sh\n\
            home=$(dirname \"$0\")\n\
            LD_LIBRARY_PATH=$home/usr/lib/x86_64-linux-gnu exec \"$home/usr/bin/rustc\" \"$@\"\n";
        let file = new.join("rustc");
        fs::write(&file, script)?;
        let sh = Shell::new()?;
        Ok(cmd!(sh, "chmod +x {file}").run()?)
    }

    fn development(&self) -> String {
        self.package.replacen("rustc", "libstd-rust", 1) + "-dev"
    }

    fn libraries(&self) -> PathBuf {
        self.home.join("usr/lib/rustlib")
    }

    fn rustc(&self) -> PathBuf {
        self.home.join("rustc")
    }

    /// The version of the source, which other architectures may have built again.
    fn source_version(&self) -> &str {
        without_rebuild(&self.version)
    }

    /// Makes it compile for a target with the library that Debian has built.
    fn with_core_from_debian(&self, target: &str, architecture: &str) -> Result<PathBuf> {
        let to = self.libraries().join(target);
        if !to.exists() {
            let lists = Lists::binaries(architecture)?;
            let package = self.development();
            let version = versions(&lists, &package)?
                .into_iter()
                .find(|version| without_rebuild(version) == self.source_version())
                .with_context(|| format!("no {package} {} for {architecture}", self.version))?;
            let new = folder(&format!("core-{target}"));
            let lib = format!("./usr/lib/rustlib/{target}/lib");
            let members = ["libcore-*", "libcompiler_builtins-*", "librustc_std_workspace_core-*"];
            let members = members.map(|name| format!("{lib}/{name}"));
            let members: Vec<_> = members.iter().map(String::as_str).collect();
            _ = fs::remove_dir_all(&new);
            apt::unpack(&lists, &format!("{package}={version}"), &new, &members)?;
            fs::rename(new.join("usr/lib/rustlib").join(target), &to)?;
            fs::remove_dir_all(&new)?;
        }
        Ok(self.rustc())
    }

    /// Makes it compile for a target with a core compiled here: all that the
    /// library uses. It calls nothing of compiler_builtins, but rustc wants to
    /// see one. Unstable Rust is for these two alone.
    fn with_core_from_source(&self, target: &str) -> Result<PathBuf> {
        let to = self.libraries().join(target);
        if to.exists() {
            return Ok(self.rustc());
        }
        let source = folder(&format!("rust-source-{}", self.source_version()));
        if !source.exists() {
            let package = self.package.replacen("rustc", "rust", 1) + "-src";
            let package = format!("{package}={}", self.source_version());
            let members = ["./usr/src/rustc-*/library/*"];
            apt::freshly(&source, |new| {
                apt::unpack(&Lists::binaries("amd64")?, &package, &new.join("src"), &members)
            })?;
        }
        let sources = fs::read_dir(source.join("src/usr/src"))?.next();
        let core = sources.context("rust-src is empty")??.path();
        let core = core.join("library/core/src/lib.rs");
        apt::freshly(&folder(&format!("core-{target}")), |new| {
            let lib = new.join("lib");
            fs::create_dir(&lib)?;
            let rustc = self.rustc();
            let sh = Shell::new()?;
            sh.set_var("RUSTC_BOOTSTRAP", "1");
            let flags = [
                "--edition=2024",
                "--crate-type=rlib",
                "--cap-lints=allow",
                "-Copt-level=2",
                "-Cpanic=abort",
            ];
            cmd!(
                sh,
                "{rustc} {flags...} --target {target} --out-dir {lib} --crate-name core {core}"
            )
            .run()?;
            cmd!(sh, "{rustc} {flags...} --target {target} --out-dir {lib} -L {lib} --crate-name compiler_builtins -")
                .stdin("#![feature(compiler_builtins)]\n#![compiler_builtins]\n#![no_std]\n")
                .run()?;
            fs::rename(&lib, new.join("made"))?;
            fs::create_dir_all(&to)?;
            Ok(fs::rename(new.join("made"), to.join("lib"))?)
        })?;
        Ok(self.rustc())
    }
}

fn versions(lists: &Lists, package: &str) -> Result<Vec<String>> {
    // `  package | version | place`, or nothing.
    let table = lists.apt_cache(&["madison", package]).unwrap_or_default();
    let column = |line: &str| line.split('|').nth(1).map(|word| word.trim().to_owned());
    Ok(table.lines().filter(|line| line.contains("Packages")).filter_map(column).collect())
}

/// `1.85.0+dfsg1-1+b2` is `1.85.0+dfsg1-1`, built again.
fn without_rebuild(version: &str) -> &str {
    match version.rsplit_once("+b") {
        Some((source, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => source,
        _ => version,
    }
}

fn is_newer(version: &str, than: &str) -> bool {
    let compared = std::process::Command::new("dpkg")
        .args(["--compare-versions", version, "gt", than])
        .status();
    compared.is_ok_and(|status| status.success())
}
