//! Other processors, C libraries, linkers and systems: what they are, and what
//! `make` fetches and builds for them in `build/arch`, before tests run there.

use crate::apt::{self, Lists};
use crate::progress::Progress;
use crate::{Context, Result, Shell, checkout, cmd, ensure, sh};
use std::path::PathBuf;

/// A version of Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rust {
    /// The oldest that builds this library.
    Minimum,
    /// The newest that the host's release has, when it is first fetched.
    Newest,
    /// The one that builds the library here.
    Installed,
}

/// A processor, and the compilers for it.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// The name of its cases and of its folder; it begins with the processor in
    /// Debian's words.
    pub name: &'static str,
    /// What gcc is called for it.
    pub triple: &'static str,
    /// What Rust calls it.
    pub target: &'static str,
    /// The emulator; none where it runs here.
    pub qemu: Option<&'static str>,
    /// What the library is compiled with.
    pub rust: Rust,
    /// Whether the references to `msg_verbose` and `msg_info` must be strong.
    pub strong: bool,
}

const fn machine(
    name: &'static str,
    triple: &'static str,
    target: &'static str,
    qemu: Option<&'static str>,
    rust: Rust,
    strong: bool,
) -> Machine {
    Machine { name, triple, target, qemu, rust, strong }
}

/// All on which harnesses run.
#[rustfmt::skip]
pub const MACHINES: [Machine; 11] = [
    machine("amd64", "x86_64-linux-gnu", "x86_64-unknown-linux-gnu", None, Rust::Minimum, false),
    machine("i386", "i686-linux-gnu", "i686-unknown-linux-gnu", Some("i386"), Rust::Minimum, false),
    machine("arm64", "aarch64-linux-gnu", "aarch64-unknown-linux-gnu", Some("aarch64"), Rust::Minimum, false),
    machine("armhf", "arm-linux-gnueabihf", "armv7-unknown-linux-gnueabihf", Some("arm"), Rust::Minimum, false),
    machine("s390x", "s390x-linux-gnu", "s390x-unknown-linux-gnu", Some("s390x"), Rust::Minimum, false),
    machine("riscv64", "riscv64-linux-gnu", "riscv64gc-unknown-linux-gnu", Some("riscv64"), Rust::Minimum, false),
    machine("ppc64el", "powerpc64le-linux-gnu", "powerpc64le-unknown-linux-gnu", Some("ppc64le"), Rust::Minimum, true),
    machine("amd64-installed", "x86_64-linux-gnu", "x86_64-unknown-linux-gnu", None, Rust::Installed, false),
    machine("amd64-strong", "x86_64-linux-gnu", "x86_64-unknown-linux-gnu", None, Rust::Installed, true),
    machine("arm64-newest", "aarch64-linux-gnu", "aarch64-unknown-linux-gnu", Some("aarch64"), Rust::Newest, false),
    machine("ppc64el-newest", "powerpc64le-linux-gnu", "powerpc64le-unknown-linux-gnu", Some("ppc64le"), Rust::Newest, false),
];

/// Systems and processors that stand for others, for which only the object is
/// compiled: system, processor in Debian's words, what Rust calls both, and
/// whether the references must be strong.
pub const OBJECTS: [(&str, &str, &str, bool); 3] = [
    ("FreeBSD", "amd64", "x86_64-unknown-freebsd", false),
    ("macOS", "arm64", "aarch64-apple-darwin", true),
    ("Linux", "mips64el", "mips64el-unknown-linux-gnuabi64", true),
];

const ZIG: &str = "zig-0.17.1";

/// The Zig compiler, which has the headers of many systems.
pub fn zig() -> PathBuf {
    folder(ZIG).join("ziglang/zig")
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
    std::env::set_current_dir(checkout())?;
    let mut progress = Progress::start("arch", false)?;
    progress.step("Debian's source of cmocka", || once("cmocka", fetch_cmocka))?;
    progress.step("Zig", || once(ZIG, fetch_zig))?;
    for rust in [Rust::Minimum, Rust::Newest] {
        let name = rust.name()?;
        progress.step(&name, || once(&name, |to| fetch_rust(rust, to)))?;
    }
    for machine in &MACHINES {
        progress.step(machine.name, || machine.build())?;
    }
    progress.step("musl", build_for_musl)?;
    for (_, _, target, _) in OBJECTS {
        progress.step(target, || build_library(target, target, Rust::Newest, "LINK=0"))?;
    }
    Ok(())
}

fn once(name: &str, fetch: impl FnOnce(PathBuf) -> Result<()>) -> Result<()> {
    let to = folder(name);
    if to.exists() { Ok(()) } else { fetch(to) }
}

fn fetch_cmocka(to: PathBuf) -> Result<()> {
    apt::source("cmocka", None, &to)
}

fn fetch_zig(to: PathBuf) -> Result<()> {
    let (sh, package) = (Shell::new()?, ZIG.replace("zig-", "ziglang=="));
    apt::freshly(&to, |new| {
        cmd!(sh, "python3 -m pip install --quiet --no-deps --target {new} {package}")
            .run()
            .context("Zig cannot be fetched. Is there a network? No test has failed")
    })
}

/// Debian has up to two Rusts at a time. The compiler of the right one is
/// unpacked without being installed, and the source of its library.
const FETCH_RUST: &str = r#"
set -- $(for package in rustc rustc-web; do apt-cache -c "$APT" madison $package; done |
    awk '$3 ~ /^WANTED/ { print $3, $1 }' | sort -V | tail -n 1)
[ $# = 2 ] || {
    echo 'this release of Debian has no such Rust, neither as rustc nor as rustc-web: RUST' >&2
    exit 1
}
version=$1 kind=${2#rustc}
library=libstd-rust$kind-$(echo "$version" | cut -d . -f 1,2)=$version
# The one that LLVM comes in is called after its version.
llvm=$(apt-cache -c "$APT" depends "$library" | sed -n 's/ *Depends: \(libllvm\)/\1/p')
# 1.85.0+dfsg1-1+b2 is 1.85.0+dfsg1-1, built again; the source is not.
apt-get -c "$APT" --quiet download "rustc$kind=$version" "$library" "$llvm" \
    "libstd-rust$kind-dev=$version" "rust$kind-src=${version%+b[0-9]*}"
for file in *.deb; do dpkg-deb --extract "$file" .; done
mv usr/src/rustc-*/library library
rm -r usr/src ./*.deb
# Only this variable leads the compiler to its own libraries.
{
    echo '#!/bin/sh'
    echo 'home=$(dirname "$0")'
    echo 'LD_LIBRARY_PATH=$home/usr/lib/x86_64-linux-gnu exec "$home/usr/bin/rustc" "$@"'
} >rustc
chmod +x rustc"#;

impl Rust {
    /// The name of the folder with this compiler of Debian's.
    pub fn name(self) -> Result<String> {
        let minimum = format!("rustc-{}", minimum_rust()?);
        Ok(if self == Rust::Minimum { minimum } else { "rustc-newest".to_owned() })
    }
}

fn fetch_rust(rust: Rust, to: PathBuf) -> Result<()> {
    let wanted = if rust == Rust::Minimum { minimum_rust()? + "." } else { String::new() };
    let script = FETCH_RUST.replace("WANTED", &wanted).replace("RUST", &rust.name()?);
    let lists = Lists::of("deb", None)?;
    apt::freshly(&to, |new| lists.run(new, &script))
}

/// Compiles core for a target, which is all that the library uses. It calls
/// nothing of compiler_builtins, but rustc wants to see one. Unstable Rust is for
/// these two alone.
fn build_core(rust: &str, target: &str) -> Result<()> {
    if folder(rust).join("usr/lib/rustlib").join(target).exists() {
        return Ok(());
    }
    sh!("cd build/arch/{rust}
        edition=$(sed -n 's/^edition = \"\\(.*\\)\"/\\1/p' library/core/Cargo.toml)
        to=usr/lib/rustlib/{target}
        set -- ./rustc --edition=$edition --crate-type=rlib --cap-lints=allow -Copt-level=2 \
            -Cpanic=abort --target {target} --out-dir $to.new/lib
        export RUSTC_BOOTSTRAP=1
        \"$@\" --crate-name core library/core/src/lib.rs
        echo '#![feature(compiler_builtins)] #![compiler_builtins] #![no_std]' |
            \"$@\" -L $to.new/lib --crate-name compiler_builtins -
        mv $to.new $to")?;
    Ok(())
}

fn build_library(name: &str, target: &str, rust: Rust, settings: &str) -> Result<()> {
    let mut rustc = String::new();
    if rust != Rust::Installed {
        let rust = rust.name()?;
        build_core(&rust, target)?;
        rustc = format!("RUSTC=\"$PWD/build/arch/{rust}/rustc\"");
    }
    sh!("{rustc} {settings} TARGET={target} tools/build build/arch/{name}")?;
    Ok(())
}

impl Machine {
    /// The C compiler.
    pub fn cc(&self) -> String {
        format!("{}-gcc", self.triple)
    }

    fn build(&self) -> Result<()> {
        let (Machine { name, triple, target, .. }, cc) = (self, self.cc());
        let linker = target.to_uppercase().replace('-', "_");
        // A target without weak references gets strong ones unasked; amd64 is told.
        let is_told = self.strong && self.rust == Rust::Installed;
        let flags = if is_told { "CARGO_FLAGS='--features strong-msg'" } else { "" };
        let settings =
            format!("CARGO_TARGET_{linker}_LINKER={cc} OBJCOPY={triple}-objcopy {flags}");
        build_library(name, target, self.rust, &settings)?;
        sh!("tree=build/postfix/static
            system=$(sed -n 's/^SYSTYPE[[:space:]]*=[[:space:]]*//p' $tree/conf/makedefs.out)
            {cc} -O2 -fPIC -DNO_DB -DNO_NIS -DNO_EAI -Wno-comment -D$system \
                -I $tree/include -c $tree/src/master/master_proto.c -o build/arch/{name}/original.o")?;
        build_beside(&cc, name)
    }
}

/// Links the objects that were made for glibc.
fn build_for_musl() -> Result<()> {
    sh!("cd build/arch
        mkdir -p musl
        cp amd64-installed/*.[oa] musl
        musl-gcc -shared musl/master_proto.o -o musl/libmaster_proto.so")?;
    build_beside("musl-gcc", "musl")
}

/// Postfix's own code as a shared library, and cmocka, of which Debian has no
/// static library, and none for the others.
fn build_beside(cc: &str, name: &str) -> Result<()> {
    sh!("cd build/arch
        {cc} -shared {name}/original.o -o {name}/liboriginal.so
        {cc} -O2 -fPIC -w -DHAVE_SIGNAL_H -I cmocka/include -c cmocka/src/cmocka.c -o {name}/cmocka.o")?;
    Ok(())
}
