//! The time of a call over that of a bare write(2), its limit.

use std::env::current_exe;
use std::ffi::{c_int, c_uint};
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use crate::ratio::{Ratio, by_turns, median};
use testenv::{checkout, prelude::*};

type Notify = unsafe extern "C" fn(c_int, c_uint, c_int) -> c_int;

/// Name, and object in build/. The last is what all are compared with.
const CASES: [(&str, &str); 5] = [
    ("a call: ours over a bare write", "master_proto.o"),
    ("a call: C over a bare write", "original/original.o"),
    ("a call: C hardened over a bare write", "original/original-hardened.o"),
    ("control: a bare write over itself", "bench/bare.o"),
    ("", "bench/bare.o"),
];

/// Runs processes, the control last. What one process measures is alike since
/// the addresses are, so a process counts once. Where in a page code lies
/// matters more than what it does; so each process has libraries of its own, in
/// which it lies somewhere else.
pub fn ratios(out: &Path, processes: usize) -> Result<Vec<Ratio>> {
    let sh = Shell::new()?;
    let (benches, build, me) =
        (checkout().join("benches"), checkout().join("build"), current_exe()?);
    for name in ["bare", "msg"] {
        cmd!(sh, "cc -O2 -fPIC -c {benches}/{name}.c -o {out}/{name}.o").run()?;
    }
    let mut values = vec![Vec::new(); CASES.len() - 1];
    for _ in 0..processes {
        for (i, (_, object)) in CASES.iter().enumerate() {
            let place = format!("{:#x}", 0x10000 + RandomState::new().hash_one(i) % 256 * 16);
            let library = out.join(format!("{i}.so"));
            cmd!(sh, "cc -shared -Wl,-Ttext={place} {build}/{object} {out}/msg.o -o {library}")
                .quiet()
                .run()?;
        }
        let line =
            cmd!(sh, "sh -c 'exec \"$@\" 5>/dev/null' sh {me} process {out}").quiet().read()?;
        for (values, value) in values.iter_mut().zip(line.split_whitespace()) {
            values.push(value.parse()?);
        }
    }
    Ratio::of_each(&CASES.map(|(name, _)| name), values)
}

/// One process, which prints the median ratio of each case.
pub fn process(out: &Path) -> Result<()> {
    let functions = (0..CASES.len())
        .map(|i| {
            // SAFETY: these libraries of ours have no constructors, and
            // master_notify is of this type.
            unsafe {
                let library = libloading::Library::new(out.join(format!("{i}.so")))?;
                let function = *library.get::<Notify>(b"master_notify")?;
                std::mem::forget(library);
                Ok(function)
            }
        })
        .collect::<Result<Vec<_>>>()?;
    for ratios in by_turns(25, CASES.len(), |i| seconds(functions[i]))? {
        println!("{}", median(ratios));
    }
    Ok(())
}

/// Of 1000 calls.
fn seconds(notify: Notify) -> Result<f64> {
    let start = Instant::now();
    for i in 0..1000 {
        // SAFETY: it takes any numbers.
        ensure!(unsafe { notify(1, 2, i & 1) } != -1, "a call failed");
    }
    Ok(start.elapsed().as_secs_f64())
}
