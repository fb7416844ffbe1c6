//! A build gives the same bytes in any directory, contains no path of the builder's,
//! and with DEBUG=1 gives a debugger what it needs.

use tests::prelude::*;

#[test]
fn build_gives_the_same_bytes_in_any_directory() -> Result {
    sandbox(|| same_bytes("0"))
}

#[test]
fn debug_build_gives_the_same_bytes_in_any_directory_and_the_same_code() -> Result {
    sandbox(|| same_bytes("1"))
}

/// Builds twice, so at different times too. A compiler in /usr is the system's, and
/// its path tells nothing about the builder.
fn same_bytes(debug: &str) -> Result {
    clone_checkout(&scratch().join("first"))?;
    clone_checkout(&scratch().join("a second, deeper/directory"))?;
    sh!("export DEBUG={debug}
        first=$TMPDIR/first/build second=$TMPDIR/'a second, deeper/directory/build'
        make -C $TMPDIR/first
        LC_ALL=C TZ=UTC-14 CARGO_BUILD_JOBS=1 make -C \"${{second%/build}}\"
        printf '%s\\n' \"$TMPDIR\" \"$CHECKOUT\" \"$HOME\" \"${{CARGO_HOME:-$HOME/.cargo}}\" \\
            $(rustc --print sysroot) /home/ | grep -vx -e / -e /usr >$TMPDIR/places
        for name in master_proto.o libmaster_proto.so libmaster_proto.a; do
            cmp $first/$name \"$second/$name\"
            test $(readelf -SW $first/$name | grep -c ' [.]debug_info ') = {debug}
            objcopy --decompress-debug-sections $first/$name $TMPDIR/plain
            strings -a -n 4 $TMPDIR/plain >$TMPDIR/strings
            grep master_notify $TMPDIR/strings
            if grep -F -f $TMPDIR/places $TMPDIR/strings; then exit 1; fi
        done
        for build in build $first; do
            objcopy -O binary --only-section=.text $build/libmaster_proto.so $TMPDIR/code
            test -s $TMPDIR/code
            sha256sum <$TMPDIR/code >>$TMPDIR/codes
        done
        test $(uniq $TMPDIR/codes | wc -l) = 1")?;
    Ok(())
}

/// Debug information is split off as dh_strip does it for a -dbgsym package.
#[test]
fn gdb_steps_into_the_shared_library_with_split_off_information() -> Result {
    sandbox(|| {
        let name = format!("libmaster_proto.so.{}", manifest("version")?);
        sh!("DEBUG=1 tools/build $TMPDIR/debug
            mkdir -p $TMPDIR/lib/.debug
            cd $TMPDIR/lib
            cp $TMPDIR/debug/{name} .
            ln -s {name} libmaster_proto.so.1
            objcopy --only-keep-debug --compress-debug-sections {name} .debug/{name}.debug
            strip --strip-unneeded --remove-section=.comment --remove-section=.note {name}
            objcopy --add-gnu-debuglink=.debug/{name}.debug {name}
            if readelf -SW {name} | grep .debug_info; then exit 1; fi")?;
        gdb_steps_in(&format!("-L $TMPDIR/lib -l :{name} -Wl,-rpath,$TMPDIR/lib"))
    })
}

#[test]
fn gdb_steps_into_the_object() -> Result {
    sandbox(|| {
        script("DEBUG=1 tools/build $TMPDIR/debug")?;
        gdb_steps_in("$TMPDIR/debug/master_proto.o")
    })
}

/// gdb names the function, its arguments, the file and a line of the function, and
/// shows that line.
fn gdb_steps_in(link: &str) -> Result {
    let version = manifest("version")?;
    compile_caller(&format!(
        "gcc -g -I include $TMPDIR/caller.c {link} -o $TMPDIR/caller
        echo \"set substitute-path /usr/src/master_proto-{version} '$CHECKOUT'
            set debuginfod enabled off
            set breakpoint pending on
            start
            step
            info source
            next
            backtrace\" >$TMPDIR/commands
        cd $TMPDIR
        gdb -nx --batch -x commands caller | tee said
        call='master_notify.*(pid=1, generation=2, status=3).*src/lib.rs'
        line=$(sed -n \"s|.*$call:||p\" said | head -n 1)
        source=$CHECKOUT/src/lib.rs
        sed -n '/extern \"C\" fn master_notify/,/^}}/=' \"$source\" | grep -x $line
        grep -F \"$(printf '%s\\t' $line; sed -n ${{line}}p \"$source\")\" said
        grep 'Current source file is .*src/lib.rs' said
        grep '^#1 .*in main' said"
    ))?;
    Ok(())
}
