#!/bin/sh
# Makes the scripts of an unpacked Debian package call each other where they are, and
# not where they would be installed. No program is changed.
#
#   tests/postfix/relocate.sh DIRECTORY
set -eu
unset CDPATH
grep -rIl '/usr/lib/postfix/' "$1/usr/lib/postfix" | xargs -r sed -i "s|/usr/lib/postfix/|$1&|g"
