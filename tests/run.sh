#!/bin/sh
# Runs the tests whose names contain NAME, or all, of every manifest:
#
#   tests/run.sh NAME MANIFEST[:TEST]...
#
# All run, whatever fails, which is printed again at the end. It fails if no test has such
# a name.
set -u
unset CDPATH
cd "$(dirname "$0")/.." || exit
name=$1
shift
status=0 log=build/log/test.log
mkdir -p build/log
: >$log
rm -f build/log/failed
for manifest; do
    set -- --locked --no-fail-fast --manifest-path "${manifest%:*}"
    [ "$manifest" = "${manifest%:*}" ] || set -- "$@" --test "${manifest#*:}"
    # The status of cargo, not of tee.
    { cargo test "$@" -- ${name:+"$name"} || touch build/log/failed; } 2>&1 | tee -a $log
    ! rm build/log/failed 2>/dev/null || status=1
done
if [ $status -ne 0 ]; then
    echo "== Once more, from build/log/test.log:"
    sed -n '/^failures:$/,/^test result/p; /^error/p' $log
fi
case $name in -*) exit $status ;; esac # options, such as --list
if ! grep -q '^test result: .* [1-9][0-9]* passed\|^test result: FAILED' $log; then
    echo "no test has a name that contains '$name'. To list them: make test T=--list" >&2
    status=1
fi
exit $status
