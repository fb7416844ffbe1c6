#!/bin/sh
# Fetches packages from the mirrors that /etc/apt names, and installs nothing:
#
#   source          to build/postfix: Postfix's source, of this Debian release
#   newest-source                     the same, of Debian unstable
#   debian-binary                     the package postfix and its libraries, unpacked
#   cmocka          to build/arch:    the source of cmocka
#   rustc-1.85                        this Rust compiler and the source of its library
#   rustc-newest                      the newest compiler of this Debian release
#
# apt uses package lists of its own below build/apt, so any user may run this.
set -eu
unset CDPATH
umask 022
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.."
checkout=$PWD name=${1-}
die() {
    printf 'tests/fetch.sh: %s\n' "$*" >&2
    exit 1
}
command -v apt-get >/dev/null ||
    die "there is no apt-get here, and this fetches Debian packages." \
        "\`make check\` and \`make demo POSTFIX_SRC=\` need none."

# The host's configuration comes first, with its proxies; its hooks are about the host.
use_lists() { # deb|deb-src [SUITE]
    lists=$checkout/build/apt/$1${2:+-$2}
    mkdir -p "$lists/lists/partial"
    "$checkout/tests/apt-sources.sh" "$@" >"$lists/sources.list"
    cat >"$lists/apt.conf" <<END
#clear APT::Update;
#clear DPkg;
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Debug::NoLocking "true";
Acquire::Retries "3";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Dir::Etc::sourcelist "$lists/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$lists";
Dir::Cache "$lists";
END
    apt_get update
}
apt_get() {
    try_apt_get "$@" ||
        die "apt-get $1 failed: $(grep -m 1 '^E: ' "$lists/errors")." \
            "Is there a network, and does the mirror answer? No test has failed."
}
try_apt_get() {
    apt-get -c "$lists/apt.conf" --quiet "$@" 2>"$lists/errors" || { cat "$lists/errors" >&2; return 1; }
}
apt_cache() { apt-cache -c "$lists/apt.conf" "$@"; }

unpack_source() { # PACKAGE
    tar -xf "$1"_*.orig.tar.?z --strip-components=1 --no-same-owner
    tar -xf "$1"_*.debian.tar.?z --no-same-owner
    rm "$1"_*
    chmod -R go-w .
}
fetch_source() { # PACKAGE
    use_lists deb-src
    apt_get source --download-only "$1"
    unpack_source "$1"
}

# Of unstable, a mirror that lags behind names a version whose files are gone.
fetch_postfix() { # [SUITE]
    use_lists deb-src "$@"
    if ! try_apt_get source --download-only postfix; then
        if grep -q ' 404 ' "$lists/errors" && grep -qE ' (sid|unstable) ' "$lists/sources.list"; then
            echo "note: the mirror's unstable is incomplete: taking the stable release's Postfix"
            rm -f postfix_*
            use_lists deb-src stable
        fi
        apt_get source --download-only postfix
    fi
    unpack_source postfix
}

# What apt would download to install it here; all of that in packages/.
fetch_debian_binary() {
    use_lists deb
    mkdir -p packages/partial
    apt_get install --yes --download-only --reinstall --no-install-recommends \
        -o Dir::Cache::archives="$PWD/packages" postfix
    for file in packages/*.deb; do dpkg-deb --extract "$file" unpacked; done
    touch .unpacked
}

# Debian has up to two Rusts at a time, rustc and rustc-web.
fetch_rustc() { # VERSION|newest
    use_lists deb
    for package in rustc rustc-web; do apt_cache madison $package; done |
        awk -v wanted="${1#newest}" 'index($3, wanted) == 1 { print $3, $1 }' | sort -V | tail -n 1 >found
    read -r version package <found ||
        die "this Debian release has no Rust $1, neither as rustc nor as rustc-web."
    kind=${package#rustc}
    library=libstd-rust$kind-$(echo "$version" | cut -d . -f 1,2)=$version
    llvm=$(apt_cache depends "$library" | sed -n 's/ *Depends: \(libllvm\)/\1/p')
    # 1.85.0+dfsg1-1+b2 is 1.85.0+dfsg1-1, built again; the source is not.
    apt_get download "$package=$version" "$library" "$llvm" "libstd-rust$kind-dev=$version" \
        "rust$kind-src=${version%+b[0-9]*}"
    for file in *.deb; do dpkg-deb --extract "$file" .; done
    mv usr/src/rustc-*/library library
    rm -r usr/src found ./*.deb
    # Only this variable leads the compiler to its own libraries.
    cat >rustc <<'END'
#!/bin/sh
home=$(dirname "$0")
LD_LIBRARY_PATH=$(echo "$home"/usr/lib/*-linux-gnu) exec "$home/usr/bin/rustc" "$@"
END
    chmod +x rustc
}

case $name in
source) to=build/postfix/$name fetch=fetch_postfix ;;
newest-source) to=build/postfix/$name fetch='fetch_postfix sid' ;;
debian-binary) to=build/postfix/$name fetch=fetch_debian_binary ;;
cmocka) to=build/arch/$name fetch='fetch_source cmocka' ;;
rustc-*) to=build/arch/$name fetch="fetch_rustc ${name#rustc-}" ;;
*) die "'$name' is nothing to fetch; see the top of this file." ;;
esac
# What a fetch that was killed has started may still write to its directory.
new=$to.new.$$
rm -rf "$to" "$to".new.* || :
mkdir -p "$new"
(cd "$new" && $fetch) # with set -e, since nothing follows &&
mv "$new" "$to"
