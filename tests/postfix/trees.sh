# Functions for the tests in Postfix trees.
#
# shellcheck shell=sh
set -eu
unset CDPATH
tree="$TMPDIR/a tree"

# copy NAME: a copy of that tree, with spaces in its path, is the directory from there on.
copy() {
    rm -rf "$tree"
    cp -a "$TREES/$1" "$tree"
    cd "$tree"
}
# few NAME [DAEMON]: the same with three small daemons, and this one, for a short copy and a short make.
few() {
    rm -rf "$tree"
    mkdir -p "$tree/src/util" "$tree/src/global" "$tree/libexec"
    cd "$TREES/$1"
    cp -a Makefile* makedefs bin conf include lib meta "$tree"
    cp -a src/util/msg.h "$tree/src/util"
    cp -a src/global/mail_params.h "$tree/src/global" # for makedefs
    cp -a libexec/post*-* libexec/master "$tree/libexec"
    cp -a src/master "$tree/src"
    for daemon in anvil error virtual ${2:+"$2"}; do
        cp -a "libexec/$daemon" "$tree/libexec"
        cp -a "src/$daemon" "$tree/src"
    done
    cd "$tree"
    echo "DIRS = src/master src/anvil src/error src/virtual ${2:+src/$2}" | tee -a Makefile >>Makefile.in
    touch -r "$TREES/$1/Makefile" Makefile Makefile.in
}

# ends STATUS TEXT COMMAND...: it exits with this status, and the last line that it
# prints, but for make's, has this text. All of it is in $TMPDIR/said.
ends() {
    wanted=$1 text=$2
    shift 2
    status=0
    "$@" >"$TMPDIR/said" 2>&1 || status=$?
    cat "$TMPDIR/said"
    [ "$status" -eq "$wanted" ]
    grep -v '^make' "$TMPDIR/said" | tail -n 1 | grep -e "$text"
}
