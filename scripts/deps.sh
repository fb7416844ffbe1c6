#!/bin/sh
# Installs what the tests and the demo need and the host lacks; the only script
# that installs packages. Quick, and silent, when nothing is missing.
#
#   deps.sh           for make demo and make test
#   deps.sh arch      that, and other processors' compilers, 1.3 GB, for make test-arch
#   deps.sh debian    that, and what Debian's postfix package builds with, for make test-debian
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"

# One line each: Debian package, a file or command that shows it is there, why.
common_list='
rustc           rustc           the Rust compiler
cargo           cargo           builds the Rust code
rustfmt         cargo-fmt       checks the layout of the Rust code
rust-clippy     cargo-clippy    the Rust linter
gcc             gcc             compiles Postfix and the C tests
g++             g++             compiles the header as C++
libc6-dev       /usr/include/stdio.h  the C library headers
make            make            builds everything
m4              m4              Postfix build
binutils        objdump         reads the artefacts
clang           clang           the second compiler of the tests
libcmocka-dev   /usr/include/cmocka.h  C test framework
pkg-config      pkg-config      finds cmocka, and the installed library
shellcheck      shellcheck      checks the scripts
strace          strace          watches the system calls
valgrind        valgrind        counts instructions, finds memory errors
libsystemd-dev  /usr/include/systemd/sd-daemon.h  for scale in the benchmark
socat           socat           SMTP client of the demo
iproute2        ip              the network of the sandbox
ca-certificates /etc/ssl/certs/ca-certificates.crt  lets cargo trust its registry
util-linux      unshare         the sandbox
tar             tar             unpacks Postfix
mandoc          mandoc          checks the manual pages
man-db          man             checks them again, with the warnings of groff
libssl-dev      /usr/include/openssl/ssl.h  compiles cargo-c
gdb             gdb             reads the debug information
patch           patch           puts the patch into the makefile of NetBSD
bmake           /usr/share/bmake/mk-netbsd/bsd.lib.mk  the make of NetBSD, and its rules
git             git             keeps the copies that the commands of the documents run in
'
arch_list='
qemu-user-static        qemu-s390x-static          runs programs of other processors
gcc-i686-linux-gnu      i686-linux-gnu-gcc         compiles for i386
libc6-dev-i386-cross    /usr/i686-linux-gnu/lib/libc.a  its C library
gcc-aarch64-linux-gnu   aarch64-linux-gnu-gcc      compiles for arm64
libc6-dev-arm64-cross   /usr/aarch64-linux-gnu/lib/libc.a  its C library
gcc-arm-linux-gnueabihf arm-linux-gnueabihf-gcc    compiles for armhf
libc6-dev-armhf-cross   /usr/arm-linux-gnueabihf/lib/libc.a  its C library
gcc-s390x-linux-gnu     s390x-linux-gnu-gcc        compiles for s390x
libc6-dev-s390x-cross   /usr/s390x-linux-gnu/lib/libc.a  its C library
gcc-powerpc64le-linux-gnu powerpc64le-linux-gnu-gcc  compiles for ppc64el
libc6-dev-ppc64el-cross /usr/powerpc64le-linux-gnu/lib/libc.a  its C library
gcc-riscv64-linux-gnu   riscv64-linux-gnu-gcc      compiles for riscv64
libc6-dev-riscv64-cross /usr/riscv64-linux-gnu/lib/libc.a  its C library
musl-tools              musl-gcc                   the other C library of Linux
lld                     ld.lld                     a linker
mold                    mold                       a linker
xz-utils                xz                         unpacks the source of cmocka
python3-pip             pip3                       fetches the Zig compiler
'

debian_list='
build-essential /usr/share/build-essential/list  what every package needs
dpkg-dev        dpkg-buildpackage  builds the package
debhelper       dh              its rules
po-debconf      po2debconf      its build
groff-base      groff           its manuals
lsb-release     lsb_release     its build
html2text       html2text       its manuals
txt2man         txt2man         its manuals
libdb-dev       /usr/include/db.h        Berkeley DB
libldap-dev     /usr/include/ldap.h      LDAP
liblmdb-dev     /usr/include/lmdb.h      LMDB
libpcre2-dev    pcre2-config             PCRE
default-libmysqlclient-dev  /usr/include/mysql/mysql.h  MySQL
libsasl2-dev    /usr/include/sasl/sasl.h SASL
libpq-dev       pg_config                PostgreSQL
libcdb-dev      /usr/include/cdb.h       CDB
libsqlite3-dev  /usr/include/sqlite3.h   SQLite
libicu-dev      /usr/include/unicode/uversion.h  internationalised addresses
'
case ${1:-} in
'') list=$common_list ;;
arch) list=$common_list$arch_list ;;
debian) list=$common_list$debian_list ;;
*) die "usage: deps.sh [arch|debian]" ;;
esac

missing=
while read -r package proof why; do
    [ -n "$package" ] || continue
    case $proof in
    /*) [ ! -e "$proof" ] || continue ;;
    *) ! command -v "$proof" >/dev/null 2>&1 || continue ;;
    esac
    printf 'missing: %-22s %s\n' "$package" "$why"
    missing="$missing $package"
done <<END
$list
END

# rustup leaves a cargo-fmt that only says that it is not installed.
if command -v rustup >/dev/null 2>&1; then
    for tool in fmt clippy; do
        cargo "$tool" --version >/dev/null 2>&1 ||
            die "'cargo $tool' does not work. Run: rustup component add rustfmt clippy"
    done
fi

[ -n "$missing" ] || exit 0
by_hand="Install them (the names are Debian's) and run this again:$missing"
command -v apt-get >/dev/null 2>&1 || die "there is no apt-get here. $by_hand"
[ "$(id -u)" -eq 0 ] || die "installing packages needs root. $by_hand"
export DEBIAN_FRONTEND=noninteractive
start_log deps
step "update the package lists" apt-get --quiet update
# Debian 12 has a Rust that is too old, and a current one with names of its own.
if apt-cache show rustc-web >/dev/null 2>&1; then
    missing=$(echo "$missing " | sed -e 's/ rustc / rustc-web /' -e 's/ cargo / cargo-web /' \
        -e 's/ rustfmt / rustfmt-web /' -e 's/ rust-clippy / rust-web-clippy /')
fi
# shellcheck disable=SC2086 # a list of words
step "install$missing" apt-get --quiet --yes -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing
