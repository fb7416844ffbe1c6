//! Debian's own postfix package, built with our object inside as docs/postfix.md says,
//! and compared with the package that Debian ships.

#[path = "postfix/documented.rs"]
mod documented;

use tests::instance::Instance;
use tests::prelude::*;

/// One test, because the build that every check needs takes minutes.
#[test]
fn package_with_ours_runs_and_is_otherwise_the_one_that_debian_ships() -> Result {
    sandbox_for(1800, || {
        let edit = documented::block("debian/rules\n")?;
        let build = documented::block("setpriv --bounding-set")?;
        let list = documented::block("readelf -n /usr/lib/postfix")?;
        sh_file("debian.sh", &[&edit, &build, &list])?;
        let mut postfix = Instance::create("instance", &scratch().join("installed"))?;
        postfix.start()?;
        postfix.delivers(5)?;
        sh!("tools/postfix-running {}", postfix.queue().display())?;
        postfix.stop()
    })
}
