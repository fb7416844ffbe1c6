//! Debian's own postfix package, built with our object inside as
//! docs/postfix.md says, and compared with the package that Debian ships.

#[path = "postfix/documented.rs"]
mod documented;

use testenv::instance::Instance;
use testenv::prelude::*;
use testenv::tree;

/// One case, since it takes minutes to have what the rest looks at.
fn main() -> std::process::ExitCode {
    let name = "debian::package_with_ours_runs_and_is_otherwise_the_one_that_debian_ships";
    testenv::runner::main(vec![Case::new(name, package).limit(1800)])
}

fn package() -> Result<()> {
    build()?;
    testenv::script(ONLY_LINKS_WERE_MADE)?;
    testenv::script(VERSION_IS_NEWER_UNTIL_DEBIAN_UPDATES)?;
    sh!("dpkg -x /tmp/postfix_*.deb /tmp/package")?;
    // By the command of the document, and no daemon has a copy of its own.
    let command = documented::block("readelf -n /usr/lib/postfix")?;
    let command = command.trim_end().replace(" /usr", " /tmp/package/usr");
    sh!("{command} | grep '  master_proto 1\\.'
        for daemon in /tmp/package/usr/lib/postfix/sbin/*; do
            tools/postfix-object code $daemon | grep '^none '
        done")?;
    testenv::script(MARKS_ARE_THE_SAME)?;

    // With the libraries that the host lacks for the stock package.
    sh!("cp -R {STOCK}/unpacked /tmp/installed; dpkg -x /tmp/postfix_*.deb /tmp/installed")?;
    tree::install(Path::new("/tmp/installed"))?;
    let mut postfix = Instance::create(&scratch().join("instance"), Path::new("/"))?;
    postfix.start()?;
    postfix.delivers(5)?;
    sh!("tools/postfix-running {}", postfix.queue().display())?;
    postfix.stop()
}

/// Debian's package, and the same unpacked.
const STOCK: &str = "build/postfix/debian-binary";

/// The commands of the document, those for root; that they and the ones for an
/// ordinary user do the same can be seen.
fn build() -> Result<()> {
    let as_root = documented::block("setpriv --bounding-set")?;
    let as_user = documented::block("debian/rules\n")?;
    let start = as_root.find("setpriv").context("no setpriv")?;
    let end = as_root.find("dpkg-buildpackage").context("no command")?;
    let confined = &as_root[start..end];
    let edits = as_user.strip_suffix(&as_root.replace(confined, ""));
    let edits = edits.with_context(|| format!("not the same: {as_user}{as_root}"))?;
    let here =
        |text: &str| text.replace("/path/to/master_proto", &checkout().display().to_string());
    let (edits, command) = (here(edits), here(as_root.trim_end()));
    tree::copy(&tree::source(), Path::new("/tmp/postfix-source"))?;
    // The rules of Debian 12 try to set the clock, 13's do not. What follows is
    // run without the right to do so, CAP_SYS_TIME, in any set but the ambient one.
    sh!("cd /tmp/postfix-source
        sets=$({confined} sed -n 's/^Cap[^A].*:.//p' /proc/self/status)
        for set in $sets; do [ $((0x$set >> 25 & 1)) = 0 ]; done
        {edits}
        {command} >/tmp/build.log 2>&1 || {{ tail -n 30 /tmp/build.log >&2; exit 1; }}
        ! grep 'date -s' debian/rules || grep 'date: cannot set date' /tmp/build.log")?;
    Ok(())
}

/// All but the two files that the rules of Debian 13 have written anew.
const ONLY_LINKS_WERE_MADE: &str = r#"
log=/tmp/postfix-source/src/master/master_proto.o.log
grep -q ' -o ' $log
if grep ' -c ' $log | grep -v -e ' postfix\.c$' -e ' postmulti\.c$'; then exit 1; fi"#;

const VERSION_IS_NEWER_UNTIL_DEBIAN_UPDATES: &str = r#"
stock=$(dpkg-deb -f build/postfix/debian-binary/packages/postfix_*.deb Version)
ours=$(dpkg-deb -f /tmp/postfix_*.deb Version)
[ "$ours" = "$stock+ours1" ]
dpkg --compare-versions "$ours" gt "$stock"
# As Debian numbers its updates.
dpkg --compare-versions "$ours" lt "${stock%u*}u$((${stock##*u} + 1))""#;

/// Exported and undefined symbols, NEEDED, SONAME, RUNPATH, BIND_NOW, RELRO, stack
/// and property notes.
const MARKS_ARE_THE_SAME: &str = r#"
marks() {
    nm -D --defined-only "$1" | awk '{ print $2, $3 }'
    nm -D --undefined-only "$1" | awk '{ print $NF }'
    readelf -dW "$1" | sed -n 's/.*(\(NEEDED\|SONAME\|RUNPATH\|RPATH\|FLAGS\|FLAGS_1\|BIND_NOW\|TEXTREL\|SYMBOLIC\)) */\1 /p'
    readelf -lW "$1" | sed -n 's/^ *\(GNU_STACK\|GNU_RELRO\) .* \([RWE ]\{3\}\) .*/\1 \2/p'
    readelf -nW "$1" | grep Properties || echo no properties
}
library=usr/lib/postfix/libpostfix-master.so
marks build/postfix/debian-binary/unpacked/$library | sort -u >/tmp/stock
marks /tmp/package/$library | sort -u >/tmp/ours
diff -u /tmp/stock /tmp/ours >&2
for kind in 'T master_notify' NEEDED SONAME RUNPATH GNU_RELRO GNU_STACK; do
    grep "^$kind" /tmp/stock
done"#;
