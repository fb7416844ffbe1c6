//! The ways into Postfix without a tool of ours: the upstream make, ports and
//! pkgsrc, AUXLIBS, and NetBSD's build.

use super::documented;
use std::fs;
use std::process::Command;
use testenv::prelude::*;
use testenv::tree::{self, Kind};

pub fn cases() -> Vec<Case> {
    let mut cases = testenv::cases![
        auxlibs_with_the_library_has_no_effect,
        auxlibs_with_the_object_wins_in_a_shared_build,
        auxlibs_with_the_object_does_not_link_in_a_static_build,
        netbsd_as_it_is_has_the_c_code,
        netbsd_takes_the_object_before_the_library,
        netbsd_patched_takes_ours_and_a_newer_one,
        netbsd_patched_without_an_object_has_the_c_code,
        netbsd_trap_of_allsrc_fails,
        netbsd_trap_of_objs_alone_compiles_c,
    ];
    for (name, stock) in super::trees() {
        for make in ["make", "bmake"] {
            let stock = stock.clone();
            cases.push(Case::new(
                format!(
                    "postfix::recipes::{name}::{make}_cp_{make}_links_ours_and_compiles_nothing"
                ),
                move || upstream(&stock, make),
            ));
        }
        cases.push(Case::new(
            format!("postfix::recipes::{name}::post_build_of_a_port_links_ours"),
            move || port(&stock),
        ));
    }
    cases
}

/// Runs a script of the shell as a user would, and returns what it prints.
fn run(folder: &Path, script: &str) -> Result<String> {
    eprintln!("$ {script}");
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {script}")])
        .current_dir(folder)
        .env_remove("MAKE")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    eprintln!("{said}");
    ensure!(output.status.success(), "{}: {script}", output.status);
    Ok(said)
}

/// Whose code is in a file: "ours", "C" or "none".
fn code(file: &Path) -> Result<String> {
    let sh = Shell::new()?;
    let tool = checkout().join("tools/postfix-object");
    let said = cmd!(sh, "{tool} code {file}").read()?;
    Ok(said.split(' ').next().unwrap_or_default().to_owned())
}

fn ensure_code(file: &Path, expected: &str) -> Result<()> {
    let found = code(file)?;
    ensure!(found == expected, "{found}, not {expected}, is in {}", file.display());
    Ok(())
}

fn compiles(said: &str) -> bool {
    said.lines().any(|line| line.contains(" -c ") && line.contains(".c"))
}

/// make takes no path with a space; the object is newer than the tree.
fn object() -> Result<PathBuf> {
    let object = scratch().join("master_proto.o");
    fs::copy(artefact("master_proto.o"), &object)?;
    Ok(object)
}

// The upstream make.

fn upstream(stock: &Path, make: &str) -> Result<()> {
    let tree = scratch().join("tree");
    tree::copy(stock, &tree)?;
    let object = object()?;
    let commands = documented::block("&& cp /path/to/master_proto.o src/master/ &&")?
        .replace("/path/to/master_proto.o", &object.display().to_string())
        .replace("/path/to/master_proto/", &format!("{}/", checkout().display()));
    ensure!(commands.starts_with("make && ") && commands.contains(" && make\n"));
    let commands = commands.replacen("make && ", &format!("{make} && "), 1).replacen(
        " && make\n",
        &format!(" && {make} -j2\n"),
        1,
    );
    let said = run(&tree, &format!("set -e; {commands}"))?;
    ensure!(!compiles(&said), "make has compiled");
    ensure!(said.contains("contain our code"));
    // And it stays.
    let said = run(&tree, make)?;
    ensure!(!said.contains(" -o "), "the next make links again");
    Ok(())
}

/// In a makefile of the BSDs, called by their make, with a port's settings in
/// its environment.
fn port(stock: &Path) -> Result<()> {
    let tree = scratch().join("tree");
    tree::copy(stock, &tree)?;
    let object = object()?;
    let page = fs::read_to_string(checkout().join("docs/postfix.md"))?;
    let target = page.split("```make\n").find(|block| block.starts_with("post-build:"));
    let target = target.and_then(|block| block.split("```").next());
    let target = target.context("no post-build target in docs/postfix.md")?;
    let target = target.replace("/path/to/master_proto.o", &object.display().to_string());
    let makefile = scratch().join("Makefile");
    fs::write(&makefile, format!("WRKSRC= {}\n{target}", tree.display()))?;
    let said = run(&scratch(), "CFLAGS=-O3 bmake -j2 DO_MAKE_BUILD='${MAKE}' post-build")?;
    ensure!(!compiles(&said), "make has compiled");
    let verify = checkout().join("tools/postfix-object");
    run(&tree, &format!("{} verify . {}", verify.display(), object.display()))?;
    Ok(())
}

// AUXLIBS.

/// Links smtpd as it is after `make makefiles` with these words in AUXLIBS.
fn with_auxlibs(kind: Kind, words: &str) -> Result<PathBuf> {
    let tree = scratch().join("tree");
    tree::copy(&tree::stock(kind), &tree)?;
    let settings =
        run(&tree, &format!("AUXLIBS='{words}' CCARGS=-DNO_DB shared=yes sh ./makedefs"))?;
    let libraries = settings.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "SYSLIBS").then_some(value.trim())
    });
    let libraries = libraries.context("makedefs sets no SYSLIBS")?;
    ensure!(libraries.contains(words), "AUXLIBS is not in SYSLIBS: {libraries}");
    let smtpd = tree.join("src/smtpd/smtpd");
    fs::remove_file(&smtpd)?;
    run(&tree.join("src/smtpd"), &format!("make SYSLIBS='{libraries}' smtpd"))?;
    Ok(smtpd)
}

/// The file in which the dynamic linker finds master_notify for a library's calls.
fn bound_to(program: &Path) -> Result<String> {
    let bindings =
        Command::new(program).envs([("LD_DEBUG", "bindings"), ("LD_BIND_NOW", "1")]).output()?;
    let bindings = String::from_utf8_lossy(&bindings.stderr).into_owned();
    let line = bindings.lines().find(|line| line.contains("symbol `master_notify'"));
    let file = line.and_then(|line| line.split(" to ").nth(1)?.split(' ').next());
    Ok(file.context("nothing is bound to master_notify")?.to_owned())
}

fn auxlibs_with_the_library_has_no_effect() -> Result<()> {
    let sh = Shell::new()?;
    let from = [artefact("libmaster_proto.so"), artefact("libmaster_proto.so.1")];
    cmd!(sh, "cp {from...} /tmp").run()?;
    let words = "-L/tmp -Wl,-rpath,/tmp -Wl,--no-as-needed -lmaster_proto";
    let smtpd = with_auxlibs(Kind::Shared, words)?;
    let expected = tree::stock(Kind::Shared).join("lib/libpostfix-master.so");
    let found = bound_to(&smtpd)?;
    ensure!(found == expected.display().to_string(), "bound to {found}");
    Ok(())
}

fn auxlibs_with_the_object_wins_in_a_shared_build() -> Result<()> {
    let smtpd = with_auxlibs(Kind::Shared, &object()?.display().to_string())?;
    let found = bound_to(&smtpd)?;
    ensure!(found == smtpd.display().to_string(), "bound to {found}");
    ensure_code(&smtpd, "ours")
}

fn auxlibs_with_the_object_does_not_link_in_a_static_build() -> Result<()> {
    let object = object()?.display().to_string();
    ensure!(with_auxlibs(Kind::Static, &object).is_err(), "it links");
    let log = run(
        &scratch().join("tree/src/smtpd"),
        &format!("make SYSLIBS='{object} -lresolv' smtpd || :"),
    )?;
    ensure!(log.contains("multiple definition of"));
    Ok(())
}

// NetBSD: bmake and its NetBSD rules, on a small tree of the shape of NetBSD's,
// with the sources of the Postfix at hand.

struct NetBsd {
    top: PathBuf,
    library: PathBuf,
    anvil: PathBuf,
    words: Vec<String>,
}

const LIBRARY: &str = "\
LIBISPRIVATE=	yes

.include <bsd.own.mk>

LIB=	master

DIST=	${NETBSDSRCDIR}/external/ibm-public/postfix/dist/src/${LIB}
.PATH:	${DIST}

SRCS=	single_server.c multi_server.c trigger_server.c master_proto.c \\
	mail_flow.c event_server.c dgram_server.c

.include <bsd.lib.mk>
";
const ANVIL: &str = "\
NOMAN=	# defined

.include <bsd.own.mk>

PROG=	anvil

DIST=	${NETBSDSRCDIR}/external/ibm-public/postfix/dist/src/${PROG}
.PATH:	${DIST}

DPADD+=	${LIBPMASTER} ${LIBPGLOBAL} ${LIBPUTIL}
LDADD+=	${LIBPMASTER} ${LIBPGLOBAL} ${LIBPUTIL} ${MORE}

.include <bsd.prog.mk>
";

impl NetBsd {
    fn create() -> Result<NetBsd> {
        let stock = tree::stock(Kind::Static);
        let top = scratch().join("src");
        let postfix = top.join("external/ibm-public/postfix");
        let (library, anvil) = (postfix.join("lib/masterlib"), postfix.join("libexec/anvil"));
        for (folder, makefile) in [(&library, LIBRARY), (&anvil, ANVIL)] {
            fs::create_dir_all(folder)?;
            fs::write(folder.join("Makefile"), makefile)?;
        }
        for name in ["master", "anvil"] {
            let (from, to) = (stock.join("src").join(name), postfix.join("dist/src").join(name));
            fs::create_dir_all(&to)?;
            run(&from, &format!("cp *.[ch] {}", to.display()))?;
        }
        let words = [
            "-m".to_owned(),
            "/usr/share/bmake/mk-netbsd".to_owned(),
            format!("NETBSDSRCDIR={}", top.display()),
            format!("LIBPMASTER={}", library.join("libmaster.a").display()),
            format!("LIBPGLOBAL={}", stock.join("lib/libglobal.a").display()),
            format!("LIBPUTIL={}", stock.join("lib/libutil.a").display()),
            format!("MORE={}", tree::setting(&stock, "SYSLIBS")?),
            format!(
                "CPPFLAGS=-I{} -I{} -D{}",
                stock.join("include").display(),
                postfix.join("dist/src/master").display(),
                tree::setting(&stock, "SYSTYPE")?
            ),
            "WARNS=0".to_owned(),
            "MKMAN=no".to_owned(),
            "MKLINT=no".to_owned(),
        ];
        Ok(NetBsd { top, library, anvil, words: words.into() })
    }

    /// What make prints in a folder that must build.
    fn build(&self, folder: &Path, words: &[String]) -> Result<String> {
        let sh = Shell::new()?;
        sh.change_dir(folder);
        let settings = &self.words;
        let said = cmd!(sh, "env -u MAKE bmake {settings...} {words...}").read()?;
        eprintln!("{said}");
        Ok(said)
    }

    fn archive(&self) -> PathBuf {
        self.library.join("libmaster.a")
    }

    /// Builds the library with these words, and the program with it.
    fn build_both(&self, words: &[String]) -> Result<PathBuf> {
        self.build(&self.library, words)?;
        self.build(&self.anvil, &[])?;
        Ok(self.anvil.join("anvil"))
    }

    /// The commands of the document, as far as the patch.
    fn patch(&self) -> Result<()> {
        let commands = documented::block("contrib/netbsd.patch")?;
        let patch = commands.lines().next().unwrap_or_default();
        let patch = patch.replace("/path/to/master_proto/", &format!("{}/", checkout().display()));
        run(&self.top, &patch)?;
        Ok(())
    }

    /// Changes the patched makefile into one that looks right.
    fn edit(&self, script: &[&str]) -> Result<()> {
        let sh = Shell::new()?;
        let makefile = self.library.join("Makefile");
        let script = script.join("\n");
        Ok(cmd!(sh, "sed -i -e {script} {makefile}").run()?)
    }
}

fn with_object() -> Result<[String; 1]> {
    Ok([format!("MASTER_PROTO_OBJ={}", object()?.display())])
}

fn netbsd_as_it_is_has_the_c_code() -> Result<()> {
    ensure_code(&NetBsd::create()?.build_both(&[])?, "C")
}

fn netbsd_takes_the_object_before_the_library() -> Result<()> {
    let netbsd = NetBsd::create()?;
    let anvil = netbsd.build_both(&[])?;
    fs::remove_file(&anvil)?;
    let ldadd = format!(
        "LDADD={} ${{LIBPMASTER}} ${{LIBPGLOBAL}} ${{LIBPUTIL}} ${{MORE}}",
        object()?.display()
    );
    netbsd.build(&netbsd.anvil, &[ldadd])?;
    ensure_code(&anvil, "ours")
}

fn netbsd_patched_takes_ours_and_a_newer_one() -> Result<()> {
    let netbsd = NetBsd::create()?;
    netbsd.patch()?;
    let words = with_object()?;
    ensure_code(&netbsd.build_both(&words)?, "ours")?;
    ensure_code(&netbsd.archive(), "ours")?;
    let ours = fs::read(object()?)?;
    let members = fs::read_dir(&netbsd.library)?.filter_map(|entry| {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_str()?;
        (name.starts_with("master_proto.") && name.ends_with('o')).then_some(path)
    });
    for member in members {
        ensure!(fs::read(&member)? == ours, "{} is another", member.display());
    }
    let sh = Shell::new()?;
    let archive = netbsd.archive();
    let members = cmd!(sh, "ar t {archive}").read()?;
    ensure!(members.lines().filter(|name| *name == "master_proto.o").count() == 1, "{members}");
    let said = netbsd.build(&netbsd.library, &words)?;
    ensure!(
        said.contains("cp ") && !said.contains("master_proto.c"),
        "a newer object is not taken"
    );
    ensure_code(&netbsd.archive(), "ours")
}

fn netbsd_patched_without_an_object_has_the_c_code() -> Result<()> {
    let netbsd = NetBsd::create()?;
    netbsd.patch()?;
    ensure_code(&netbsd.build_both(&[])?, "C")
}

// The two ways that look right and are not; the patch's comments name them.

fn netbsd_trap_of_allsrc_fails() -> Result<()> {
    let netbsd = NetBsd::create()?;
    netbsd.patch()?;
    netbsd.edit(&["s/cp \\${MASTER_PROTO_OBJ}/cp ${.ALLSRC}/"])?;
    ensure!(
        netbsd.build(&netbsd.library, &with_object()?).is_err(),
        "it works: is the comment true?"
    );
    Ok(())
}

fn netbsd_trap_of_objs_alone_compiles_c() -> Result<()> {
    let netbsd = NetBsd::create()?;
    netbsd.patch()?;
    netbsd.edit(&["/^SRCS:=/d", "/^master_proto\\.o /d", "/cp \\${/d"])?;
    netbsd.build(&netbsd.library, &with_object()?)?;
    ensure_code(&netbsd.archive(), "C")
}
