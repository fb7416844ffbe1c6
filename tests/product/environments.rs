//! `make` in the environments that packagers have: with variables, configuration and
//! tools of their own. The artefacts are right, or the build is refused, says why, and
//! changes nothing.

use tests::prelude::*;

/// Commands, and what must come of them: see environments.sh.
type Rows = &'static [(&'static str, &'static str)];

/// What the rows use: a copy of the checkout that is built, and tools in $TMPDIR/bin. The
/// crate libc, which most rows compile anew, is a small one, with a function that the
/// library does not use, like the real one: this halves their time.
const SET_UP: &str = r#"
    echo 0 >$TMPDIR/number
    mkdir $TMPDIR/.cargo $TMPDIR/bin $TMPDIR/libc
    cd $TMPDIR/libc
    echo 'paths = ["libc"]' >../.cargo/config.toml
    cat >Cargo.toml <<'END'
lib.path = "libc.rs"
dependencies.rustc-std-workspace-core = { version = "1", optional = true }
[package]
edition = "2021"
END
    grep -A 1 '^name = "libc"' ../copy/Cargo.lock >>Cargo.toml
    cat >libc.rs <<'END'
#![no_std]
#[link(name = "c")]
extern "C" { pub fn write(fd: i32, bytes: *const core::ffi::c_void, count: usize) -> isize; }
pub fn unused(number: i32) -> i32 { number + 1 }
END
    cd $TMPDIR/bin
    # As cargo auditable does it: links a list that has no GNU property note.
    echo 'const char list[] = "crates";' | gcc -fcf-protection=none -xc -c -o list.o -
    { printf '#!/bin/sh\n'; cat; } >cargo-auditable <<'END'
if [ "$1" = auditable ]; then
    shift
    RUSTC_WORKSPACE_WRAPPER=$0 exec cargo "$@"
fi
case " $* " in *' --crate-type cdylib '*) set -- "$@" -C "link-arg=$(dirname "$0")/list.o" ;; esac
exec "$@"
END
    printf '#!/bin/sh\nexec cargo auditable "$@"\n' >cargo-by-script
    printf '#!/bin/sh\ncase $1 in *D*) echo "no option D" >&2; exit 1 ;; esac\nexec ar "$@"\n' >ar-without-d
    printf '#!/bin/sh\nexec "$@"\n' >wrapper
    chmod +x *
    cd $TMPDIR/copy
    make"#;

fn set_up() -> Result {
    clone_checkout(&scratch().join("copy"))?;
    script(SET_UP).map(drop)
}

fn all(rows: Rows) -> Result {
    sandbox(|| {
        set_up()?;
        for (command, expected) in rows {
            sh_file("product/environments.sh", &[command, expected])?;
        }
        Ok(())
    })
}

#[test]
fn object_is_of_this_build() -> Result {
    all(&[
        ("CARGO_BUILD_BUILD_DIR=$TMPDIR/elsewhere make", "right"),
        ("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT=true RUSTC_BOOTSTRAP=1 make", "right"),
        ("CARGO_TARGET_DIR=$TMPDIR/a CARGO_BUILD_TARGET_DIR=$TMPDIR/b make", "right"),
        ("touch -d '1 day ago' src/msg.rs; make", "right"),
        (
            "make -j8 all install DESTDIR=$TMPDIR/all && cmp build/master_proto.o $TMPDIR/all/usr/local/lib/master_proto.o",
            "right",
        ),
        (
            "rm -r build; make -j8 install all DESTDIR=$TMPDIR/all; cmp build/master_proto.o $TMPDIR/all/usr/local/lib/master_proto.o",
            "right",
        ),
        ("rm build/cargo/*/release/deps/*; make", "right"),
        ("make BUILD='a, b'; cp -P 'a, b/'*master* build", "right"),
        ("LINK=0 make; ls build/*.so || make", "right"),
    ])
}

#[test]
fn profiles_change_nothing() -> Result {
    all(&[
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL=0 make", "right"),
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL=s make", "right"),
        ("CARGO_PROFILE_RELEASE_LTO=false make", "right"),
        ("CARGO_PROFILE_RELEASE_LTO=thin CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 make", "right"),
        (
            "export CARGO_PROFILE_RELEASE_PANIC=unwind CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true;
             CARGO_PROFILE_RELEASE_DEBUG=2 CARGO_PROFILE_RELEASE_STRIP=none make",
            "right",
        ),
        (
            "CARGO_PROFILE_RELEASE_SPLIT_DEBUGINFO=packed CARGO_PROFILE_RELEASE_RPATH=true DEBUG=1 make",
            "right",
        ),
        ("CARGO_INCREMENTAL=1 CARGO_PROFILE_RELEASE_INCREMENTAL=true make", "right"),
        ("CARGO_FLAGS='--config profile.release.lto=false' make", "right"),
        (
            "mkdir .cargo
             printf '[profile.release.package.master_proto]\nopt-level = 0\n' >.cargo/config.toml
             printf '[build]\nrustflags = [\"-Cdebuginfo=2\"]\n' >>.cargo/config.toml
             make; status=$?; rm -r .cargo; exit $status",
            "right",
        ),
    ])
}

#[test]
fn compiler_flags_are_overruled_or_refused() -> Result {
    all(&[
        ("RUSTFLAGS='-C lto=off' make", "right"),
        ("CARGO_ENCODED_RUSTFLAGS=-Clto=thin make", "right"),
        ("RUSTFLAGS='-C panic=unwind -C opt-level=0 -C embed-bitcode=no' make", "right"),
        ("RUSTFLAGS='-C prefer-dynamic -C linker-plugin-lto -C save-temps' make", "right"),
        ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS=-Crelocation-model=static make", "right"),
        // Fedora's, whose debug information must not name the builder's directories.
        (
            "export RUSTFLAGS='-Copt-level=3 -Cdebuginfo=2 -Ccodegen-units=1 -Cstrip=none
                -Cforce-frame-pointers=yes --cap-lints=warn'
             make && ! readelf -SW build/libmaster_proto.so | grep debug_info",
            "right",
        ),
        ("RUSTFLAGS='-Cdebuginfo=2 -Cstrip=none' DEBUG=1 make", "right"),
        ("RUSTFLAGS='-C target-cpu=native -C linker=clang -C link-arg=-fuse-ld=lld' make", "right"),
        (
            "RUSTFLAGS='-C instrument-coverage' make",
            "refused: These variables are set and may be the cause: RUSTFLAGS.",
        ),
        ("RUSTFLAGS='-Z sanitizer=address' RUSTC_BOOTSTRAP=1 make", "refused: needs __asan_"),
        (
            "RUSTFLAGS=-Cno-such-option CARGO_PROFILE_RELEASE_LTO=off make",
            "refused: CARGO_PROFILE_RELEASE_LTO RUSTFLAGS.",
        ),
    ])
}

#[test]
fn linker_flags_reach_the_library_or_are_refused() -> Result {
    all(&[
        (
            "export LDFLAGS='-Wl,-O1 -Wl,--sort-common -Wl,--as-needed -Wl,-z,pack-relative-relocs'
             LDFLAGS=\"$LDFLAGS -flto=auto -ffat-lto-objects -Wl,-z,relro\" make",
            "right",
        ),
        ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=clang make", "right"),
        ("LDFLAGS='-Wl,--no-as-needed -lm' make", "refused: It has \"library libm.so.6\""),
        (
            "LDFLAGS=-Wl,-rpath,$TMPDIR/copy/usr/src/lib make",
            "refused: libmaster_proto.so contains a path of this machine",
        ),
        ("LDFLAGS='-Wl,-u,nothing -Wl,--no-gc-sections -Wl,--defsym=malloc=0' make", "right"),
        (
            "LDFLAGS=-Wl,-z,no-such-flag,--no-such-option make",
            "refused: may be the cause: LDFLAGS.",
        ),
    ])
}

#[test]
fn tools_of_others_give_the_same() -> Result {
    all(&[
        ("READELF=llvm-readelf AR=llvm-ar OBJCOPY=llvm-objcopy make", "right"),
        ("READELF=eu-readelf AR=eu-ar make", "right"),
        ("export READELF=x86_64-linux-gnu-readelf AR=x86_64-linux-gnu-ar; make", "right"),
        ("AR=$TMPDIR/bin/ar-without-d make", "right"),
        (
            "mkdir $TMPDIR/no-readelf
             ln -s /usr/bin/* $TMPDIR/no-readelf
             ln -sf \"$(command -v cargo)\" \"$(command -v rustc)\" $TMPDIR/no-readelf
             rm $TMPDIR/no-readelf/*readelf*
             PATH=$TMPDIR/no-readelf make",
            "refused: the command 'readelf' is missing. Install binutils",
        ),
        (
            "RUSTC_WRAPPER=$TMPDIR/bin/wrapper RUSTC_WORKSPACE_WRAPPER=$TMPDIR/bin/wrapper make",
            "right",
        ),
        ("CARGO_BUILD_RUSTC_WRAPPER=$TMPDIR/bin/wrapper make", "right"),
        (
            "PATH=$TMPDIR/bin:$PATH CARGO=$TMPDIR/bin/cargo-by-script make",
            "right: not kept IBT, SHSTK",
        ),
        ("PATH=$TMPDIR/bin:$PATH CARGO='cargo auditable' make", "right: LDFLAGS can keep them: "),
        (
            "export LDFLAGS='-fuse-ld=bfd -Wl,-z,ibt -Wl,-z,shstk'
             PATH=$TMPDIR/bin:$PATH CARGO='cargo auditable' make",
            "right",
        ),
        // For a package that depends on the crate, cargo links this library, too, unused.
        (
            "mkdir -p $TMPDIR/dependent/src && cd $TMPDIR/dependent &&
             printf '[package]\nname = \"dependent\"\nedition = \"2024\"\n' >Cargo.toml &&
             printf '[dependencies]\nmaster_proto.path = \"../copy\"\n' >>Cargo.toml &&
             echo 'pub use master_proto::master_notify;' >src/lib.rs &&
             CARGO_TARGET_DIR=target cargo build --quiet --release &&
             test -e target/release/deps/libmaster_proto.so && cd ../copy && make",
            "right",
        ),
        ("RUSTC= TARGET=host-tuple CARGO_FLAGS=-v make", "right: Running `"),
        ("CARGO_BUILD_TARGET=host-tuple make", "right"),
        ("TARGET=no-such-target make", "refused: may be the cause: TARGET."),
    ])
}

#[test]
fn variables_that_others_use_do_no_harm() -> Result {
    all(&[
        ("DEBUG=false make", "right"),
        ("DEBUG=true make", "right"),
        ("DEBUG='*' make", "right: ignoring DEBUG=* of the environment"),
        ("LINK=link.exe make", "right: ignoring LINK=link.exe of the environment"),
        ("DEBUG=1 make && grep -q debug_info build/master_proto.o", "right"),
        ("make DEBUG=1 && grep -q debug_info build/master_proto.o", "right"),
        ("DEBUG=1 tools/build build && grep -q debug_info build/master_proto.o", "right"),
        ("make DEBUG=yes", "refused: DEBUG=yes is neither 0 nor 1"),
        ("make LINK=true", "refused: LINK=true is neither 0 nor 1"),
        (
            "export TMPDIR=$TMPDIR/a,b; mkdir $TMPDIR; make",
            "refused: rustc takes no path with a comma",
        ),
        ("env -i HOME=\"$HOME\" PATH=\"$PATH\" CARGO_NET_OFFLINE=true make", "right"),
        (
            "CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} HOME=/ make",
            "right",
        ),
        (
            "export POSIXLY_CORRECT=1 CLICOLOR_FORCE=1 CARGO_TERM_COLOR=always CARGO_TERM_VERBOSE=true
             umask 077; CDPATH=.:/ MAKEFLAGS=-j8 make",
            "right",
        ),
        (
            "make install DESTDIR=$TMPDIR/stage PREFIX='/opt/c#d'",
            "refused: which pkg-config cannot quote",
        ),
        (
            "make install DESTDIR=$TMPDIR/stage PREFIX=\"/opt/c'd\"",
            "refused: which pkg-config cannot quote",
        ),
    ])
}

/// As if the machine had stopped: mv kills the build when it has moved the object.
#[test]
fn interrupted_build_leaves_no_old_artefact_beside_a_new_one() -> Result {
    sandbox(|| {
        set_up()?;
        script(
            r#"cd $TMPDIR/copy
            sed -i 's/: status %d/: altered %d/' src/msg.rs
            printf '#!/bin/sh\nfor to; do :; done\n/bin/mv ./master_proto.o "$to"\nkill -KILL $PPID\n' >$TMPDIR/bin/mv
            chmod +x $TMPDIR/bin/mv
            status=0
            PATH=$TMPDIR/bin:$PATH tools/build build || status=$?
            test $status = 137
            grep ': altered %d' build/master_proto.o
            test ! -e build/libmaster_proto.a
            test ! -e build/libmaster_proto.so"#,
        )?;
        Ok(())
    })
}

/// With CDPATH, cd prints the directory, or goes elsewhere.
#[test]
fn scripts_that_change_the_directory_unset_cdpath() -> Result {
    sandbox(|| {
        let wrong = script(
            "for file in .ci/run $(grep -lE '^#!/bin/sh' tools/*) tests/*.sh tests/*/*.sh; do
                ! grep -qE '(^|[ (])cd ' $file || grep -q '^unset CDPATH' $file || echo $file
            done",
        )?;
        ensure!(wrong.is_empty(), "no `unset CDPATH` in {wrong}");
        Ok(())
    })
}
