//! A build gives the same bytes anywhere, knows nothing of the machine, and with
//! DEBUG=1 gives a debugger what it needs.

use testenv::prelude::*;

pub fn cases() -> Vec<Case> {
    slow(testenv::cases![
        build_gives_the_same_bytes_in_any_folder_and_the_same_code_with_debug for ["0", "1"],
        gdb_steps_into_the_shared_library_with_split_off_information,
        gdb_steps_into_the_object,
    ])
}

/// One after the other, so at different times too. What must not be in the files
/// are the folders of the build, of cargo and of the compiler, and any home; a
/// compiler of the system's, in /usr, tells nothing about the machine.
fn build_gives_the_same_bytes_in_any_folder_and_the_same_code_with_debug(
    debug: &str,
) -> Result<()> {
    let (first, second) = ("/tmp/first", "/tmp/a second, deeper/folder");
    clone_checkout(Path::new(first))?;
    clone_checkout(Path::new(second))?;
    sh!("export DEBUG={debug}
        (cd {first}; make)
        (cd '{second}'; LC_ALL=C TZ=UTC-14 CARGO_BUILD_JOBS=1 make)
        printf '%s\n' /tmp/ /mnt/ /home/ $HOME ${{CARGO_HOME:-$HOME/.cargo}} $(rustc --print sysroot) |
            grep -vx -e / -e /usr >/tmp/places
        for name in master_proto.o libmaster_proto.so libmaster_proto.a; do
            cmp {first}/build/$name '{second}/build/'$name
            test $(readelf -SW {first}/build/$name | grep -c ' [.]debug_info ') = {debug}
            objcopy --decompress-debug-sections {first}/build/$name /tmp/plain
            strings -a -n 4 /tmp/plain >/tmp/strings
            grep master_notify /tmp/strings
            if grep -F -f /tmp/places /tmp/strings; then exit 1; fi
        done
        for folder in build {first}/build; do
            objcopy -O binary --only-section=.text $folder/libmaster_proto.so /tmp/code
            sha256sum </tmp/code >>/tmp/codes
        done
        test -s /tmp/code
        test $(uniq /tmp/codes | wc -l) = 1")?;
    Ok(())
}

/// What dh_strip does for a -dbgsym package.
fn gdb_steps_into_the_shared_library_with_split_off_information() -> Result<()> {
    let name = format!("libmaster_proto.so.{}", manifest("version")?);
    sh!("DEBUG=1 tools/build /tmp/debug
        mkdir -p /tmp/lib/.debug
        cd /tmp/lib
        cp /tmp/debug/{name} .
        ln -s {name} libmaster_proto.so.1
        objcopy --only-keep-debug --compress-debug-sections {name} .debug/{name}.debug
        strip --strip-unneeded --remove-section=.comment --remove-section=.note {name}
        objcopy --add-gnu-debuglink=.debug/{name}.debug {name}
        if readelf -SW {name} | grep .debug_info; then exit 1; fi")?;
    gdb_steps_in(&format!("-L /tmp/lib -l :{name} -Wl,-rpath,/tmp/lib"))
}

fn gdb_steps_into_the_object() -> Result<()> {
    sh!("DEBUG=1 tools/build /tmp/debug")?;
    gdb_steps_in("/tmp/debug/master_proto.o")
}

/// gdb names the function, its arguments, the file and a line of the function, and
/// shows that line.
fn gdb_steps_in(link: &str) -> Result<()> {
    let version = manifest("version")?;
    compile_caller(&format!(
        "source=$PWD/src/lib.rs
        gcc -g -I include /tmp/caller.c {link} -o /tmp/caller
        echo \"set substitute-path /usr/src/master_proto-{version} $PWD
            set debuginfod enabled off
            set breakpoint pending on
            start
            step
            info source
            next
            backtrace\" >/tmp/commands
        cd /tmp
        gdb -nx --batch -x commands caller | tee said
        call='master_notify.*(pid=1, generation=2, status=3).*src/lib.rs'
        line=$(sed -n \"s|.*$call:||p\" said | head -n 1)
        sed -n '/extern \"C\" fn master_notify/,/^}}/=' $source | grep -x $line
        grep -F \"$(printf '%s\\t' $line; sed -n ${{line}}p $source)\" said
        grep 'Current source file is .*src/lib.rs' said
        grep '^#1 .*in main' said"
    ))?;
    Ok(())
}
