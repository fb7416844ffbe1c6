#!/bin/sh
# Compiles Postfix's own master_proto.c: original.sh TREE DIRECTORY
#
# TREE is a built Postfix. Leaves original.o, compiled plainly,
# original-protected.o, with the stack protector that every distribution uses at
# least, and original-hardened.o, with all the flags that distributions use.
# Environment: CC; HARDENED=0: only original.o, for a processor that lacks some
# of those flags.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: original.sh TREE DIRECTORY" >&2
    exit 2
fi
tree=$1
system=$(sed -n 's/^SYSTYPE[[:space:]]*=[[:space:]]*//p' "$tree/conf/makedefs.out")
mkdir -p "$2"
compile() {
    object=$1
    shift
    ${CC:-cc} "$@" "-D$system" -DNO_DB -DNO_NIS -DNO_EAI -I "$tree/include" -Wno-comment \
        -c "$tree/src/master/master_proto.c" -o "$object"
}
compile "$2/original.o" -O2 -fPIC
[ "${HARDENED:-1}" != 0 ] || exit 0
compile "$2/original-protected.o" -O2 -fPIC -fstack-protector-strong
compile "$2/original-hardened.o" -O2 -fPIC -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
    -fstack-clash-protection -fcf-protection -Wformat -Werror=format-security
