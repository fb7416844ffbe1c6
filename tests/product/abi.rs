//! The object, the archive and the shared library are what the README promises.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    testenv::cases![
        object_has_exactly_the_promised_symbols,
        object_has_exactly_the_promised_sections,
        archive_is_the_object_and_nothing_else,
        shared_library_is_as_promised,
        shared_library_is_small_and_has_its_versioned_names,
        cargo_alone_builds_the_same_interface for ["dev", "release"],
        plain_cargo_builds_a_library_that_exports_the_same,
        ldflags_reach_the_shared_library_alone,
    ]
}

/// What readelf shows, in the words of abi.txt. A symbol of another kind, such as
/// a protected one, which could not be preloaded over, keeps readelf's words; so
/// do an object's local ones, but for labels: the compiler's panic code has names.
const FACTS: &str = r#"
    BEGIN {
        relation["defined GLOBAL DEFAULT"] = "defines"
        relation["defined GLOBAL HIDDEN"] = "hides"
        relation["undefined GLOBAL DEFAULT"] = "needs"
        relation["undefined WEAK DEFAULT"] = "needs-weakly"
    }
    $1 ~ /^[0-9]+:$/ && $4 !~ /FILE|SECTION/ && $8 != "" && $8 !~ /^\.L/ {
        kind = ($7 == "UND" ? "undefined " : "defined ") $5 " " $6
        sub(/@.*/, "", $8)
        print kind in relation ? relation[kind] : kind, $8
    }
    # Name, type, address, offset, size, entry size, flags if any, link, info, alignment.
    sub(/^ *\[ *[0-9]+\] /, "") {
        flags = NF == 10 ? $7 : "none"
        sub(/^0+/, "", $5)
        if (flags ~ /W/ && $5 != "")
            print "section", $1, flags, "size", $5, "align", $NF
        else if (flags ~ /X/ && $5 != "" || $1 == ".eh_frame" && $5 != "" || /GNU-stack/)
            print "section", $1, flags
    }
    /\((SONAME|NEEDED)\)/ {
        gsub(/[][]/, "")
        print /SONAME/ ? "soname" : "library", $NF
    }
    /\((FLAGS|FLAGS_1|TEXTREL)\)/ {
        gsub(/[()]/, " ")
        for (i = 2; i <= NF; i++) if ($i ~ /^(BIND_NOW|NOW|TEXTREL)$/) print "flag", $i
    }
    $1 ~ /^GNU_(RELRO|STACK)$/ { print "segment", $1, $7 }
"#;

/// Compares what readelf shows with the lines of abi.txt that the pattern matches.
fn is_as_promised(readelf: &str, pattern: &str) -> Result<()> {
    sh!("export LC_ALL=C
        grep -E '^({pattern}) ' tests/abi.txt | sed 's/^[a-z]* *//; s/  */ /' |
            sort >/tmp/promised
        readelf -W {readelf} | awk '{FACTS}' | sort -u >/tmp/found
        diff -u /tmp/promised /tmp/found >&2")
    .context("tests/abi.txt (-) promises something else than was built (+)")?;
    Ok(())
}

fn object_has_exactly_the_promised_symbols() -> Result<()> {
    is_as_promised("--symbols build/master_proto.o", "object +(defines|hides|needs|needs-weakly)")
}

fn object_has_exactly_the_promised_sections() -> Result<()> {
    is_as_promised("--sections build/master_proto.o", "object +section")
}

fn archive_is_the_object_and_nothing_else() -> Result<()> {
    sh!("test \"$(ar t build/libmaster_proto.a)\" = master_proto.o
        ar p build/libmaster_proto.a | cmp - build/master_proto.o")?;
    Ok(())
}

const SHARED: &str = "--dyn-syms --dynamic --segments";

fn shared_library_is_as_promised() -> Result<()> {
    is_as_promised(&format!("{SHARED} build/libmaster_proto.so"), "shared")
}

fn shared_library_is_small_and_has_its_versioned_names() -> Result<()> {
    let version = manifest("version")?;
    sh!("cd build
        test \"$(readlink libmaster_proto.so)\" = libmaster_proto.so.1
        test \"$(readlink libmaster_proto.so.1)\" = libmaster_proto.so.{version}
        strip -o /tmp/stripped.so libmaster_proto.so.{version}
        test $(wc -c </tmp/stripped.so) -lt 16384")?;
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

/// Without this project's Makefile. The archive holds the Rust runtime too, but a
/// C program links. No landing pad was asked for.
fn cargo_alone_builds_the_same_interface(profile: &str) -> Result<()> {
    let folder = if profile == "dev" { "/tmp/target/debug" } else { "/tmp/target/release" };
    sh!("cargo build --quiet --locked --features capi --profile {profile}
        readelf -SW {folder}/libmaster_proto.so >/tmp/sections
        if grep -F .note.gnu.property /tmp/sections; then exit 1; fi")?;
    is_as_promised(&format!("{SHARED} {folder}/libmaster_proto.so"), "shared|cargo")?;
    archive_links(folder)
}

/// With Rust's standard library inside, of which nothing is exported.
fn plain_cargo_builds_a_library_that_exports_the_same() -> Result<()> {
    let exported = sh!("cargo build --quiet --locked --release
        nm -D --defined-only /tmp/target/release/libmaster_proto.so | cut -d ' ' -f 3")?;
    ensure!(exported == "master_notify", "{exported}");
    archive_links("/tmp/target/release")
}

fn ldflags_reach_the_shared_library_alone() -> Result<()> {
    sh!("LDFLAGS='-Wl,-z,nodelete -Wl,-rpath,/nowhere' tools/build /tmp/flags
        readelf -dW /tmp/flags/libmaster_proto.so >/tmp/dynamic
        grep -F NODELETE /tmp/dynamic
        grep -F '[/nowhere]' /tmp/dynamic
        cmp /tmp/flags/master_proto.o build/master_proto.o")?;
    Ok(())
}
