//! The C tests on each machine and in each way to link, on the C original first.

use tests::prelude::*;

/// Those that qemu-user can run: no thread is cancelled, no process killed.
pub const PORTABLE: &str = "call kernel caller caller_without_msg_symbols caller_without_msg_verbose \
                            caller_without_msg_info";

/// A line of machines.txt.
pub struct Machine {
    pub name: &'static str,
    triple: &'static str,
    emulator: &'static str,
    pub rust: &'static str,
    pub references: &'static str,
}

impl Machine {
    pub fn all() -> impl Iterator<Item = Machine> {
        let lines = include_str!("machines.txt").lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [name, triple, _, emulator, rust, references] => {
                Machine { name, triple, emulator, rust, references }
            }
            _ => panic!("not a line of six words in machines.txt: {line}"),
        })
    }

    /// Whether the C tests run there: the test of its name exists.
    pub fn runs(&self) -> bool {
        self.triple != "-"
    }

    fn compiler(&self) -> String {
        let Machine { triple, emulator, .. } = self;
        let run =
            if *emulator == "-" { "" } else { &format!("qemu-{emulator}-static -L /usr/{triple}") };
        format!("CC={triple}-gcc CXX={triple}-g++ RUN='{run}'")
    }
}

/// A way to link: flags to compile with and to link with, and what is linked.
pub struct Link {
    pub name: &'static str,
    cflags: &'static str,
    ldflags: &'static str,
    files: &'static [&'static str],
}

#[rustfmt::skip]
pub const LINKS: [Link; 4] = [
    Link { name: "static", cflags: "-fno-pie", ldflags: "-static", files: &["original.o", "master_proto.o", "libmaster_proto.a"] },
    Link { name: "non-PIE", cflags: "-fno-pie", ldflags: "-no-pie", files: &["original.o", "master_proto.o"] },
    Link { name: "PIE", cflags: "-fPIE", ldflags: "-pie", files: &["original.o", "master_proto.o"] },
    Link { name: "shared", cflags: "-fPIE", ldflags: "-pie", files: &["liboriginal.so", "libmaster_proto.so"] },
];

/// What gcc and the installed Rust have built.
const HERE: &str = "amd64_current";
pub const LINKERS: &str = "bfd, gold, lld, mold";
pub const LINKER_FLAGS: &str = "-Wl,--gc-sections -Wl,-z,now -Wl,--as-needed";

/// Runs the C tests on what is in build/arch/NAME.
fn check(
    name: &str,
    link: &Link,
    references: &str,
    cflags: &str,
    ldflags: &str,
    more: &str,
) -> Result {
    for file in link.files {
        let is_original = file.contains("original");
        let header = if is_original { "\"$TREES/static/src/master\"" } else { "../include" };
        let strong = u8::from(is_original || references == "strong");
        // Postfix's header is not for C++, which is tested here alone.
        let cplusplus = if name == HERE && !is_original { "caller_in_cplusplus" } else { "" };
        sh!("make --silent -C c_tests check TESTS='{PORTABLE} {cplusplus}' OUT=$TMPDIR \
                IMPL=../build/arch/{name}/{file} INCLUDE={header} STRONG={strong} {more} \
                CMOCKA=../build/arch/{name}/cmocka.o CFLAGS='-O2 -I ../build/arch/cmocka/include {} {cflags}' \
                LDFLAGS='{} {ldflags}'", link.cflags, link.ldflags)
        .with_context(|| format!("{file}, {}", link.name))?;
    }
    Ok(())
}

macro_rules! machines {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() -> Result {
            sandbox_for(1200, || on(stringify!($name)))
        })+
        const TESTED: &[&str] = &[$(stringify!($name)),+];
    };
}
machines!(amd64 i386 arm64 armhf s390x riscv64 ppc64el amd64_current amd64_strong arm64_newest ppc64el_newest);

fn on(name: &str) -> Result {
    let machine =
        Machine::all().find(|machine| machine.name == name).context("not in machines.txt")?;
    for link in LINKS {
        check(name, &link, machine.references, "", "", &machine.compiler())?;
    }
    Ok(())
}

#[test]
fn every_line_of_machines_txt_has_a_test() {
    let lines = Machine::all().filter(Machine::runs).map(|machine| machine.name);
    assert_eq!(lines.collect::<Vec<_>>(), TESTED);
}

#[test]
fn musl() -> Result {
    sandbox_for(600, || {
        for link in LINKS {
            check("musl", &link, "weak", "", "", "CC=musl-gcc")?;
        }
        Ok(())
    })
}

#[test]
fn gcc_lto() -> Result {
    sandbox_for(600, || check(HERE, &LINKS[0], "weak", "-flto", "-flto", ""))
}

/// Also a library out of the archive, as packagers link one, which must lack no symbol.
#[test]
fn linkers() -> Result {
    sandbox_for(1200, || {
        for linker in LINKERS.split(", ") {
            let ldflags = format!("-fuse-ld={linker} {LINKER_FLAGS}");
            for link in [&LINKS[0], &LINKS[2]] {
                check(HERE, link, "weak", "-ffunction-sections", &ldflags, "")?;
            }
            sh!("gcc -shared -Wl,-u,master_notify -Wl,-z,defs -Wl,-soname,libmaster_proto.so {ldflags} \
                    build/arch/{HERE}/libmaster_proto.a -o $TMPDIR/libmaster_proto.so
                make --silent -C c_tests check TESTS='{PORTABLE}' OUT=$TMPDIR IMPL=$TMPDIR/libmaster_proto.so \
                    CFLAGS='-O2 -fPIE' LDFLAGS='-pie {ldflags}'")
            .context(linker)?;
        }
        Ok(())
    })
}
