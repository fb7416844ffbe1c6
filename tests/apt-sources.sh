#!/bin/sh
# Prints where packages come from, as lines of a sources.list: the mirrors that
# /etc/apt names for this release, and for another SUITE the same mirrors.
#
#   tests/apt-sources.sh deb|deb-src [SUITE]
set -eu
type=$1 wanted=${2-}
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
# shellcheck disable=SC2016 # apt's own variables
apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(SOURCESENTRY)' \
    'Created-By: Packages' | sort -u -k 2 |
    while read -r uri suite component entry; do
        # Others' repositories stay out: one of them may be broken.
        case $suite in
        "$codename"*) part=${suite#"$codename"} ;;
        sid | unstable | testing | stable) part= ;;
        *) continue ;;
        esac
        key=$(sed -n 's/.*\(signed-by\)[:=] *\([^] ]*\).*/\1=\2/Ip' "${entry%:*}" | head -n 1)
        options=$key
        case $wanted in
        sid | stable) options="$key check-valid-until=no" ;; # A mirror may lag behind.
        esac
        [ "$wanted" != sid ] || [ -z "$part" ] || continue # It has no updates and no security archive.
        echo "$type ${options:+[$options] }$uri ${wanted:-${suite%"$part"}}$part $component"
    done
