#!/bin/sh
# Shows for a running Postfix which daemons call whose master_notify:
# postfix-running.sh MASTER-PID|FOLDER
#
# FOLDER is a queue directory, or an instance of instance.sh. One line per child
# of master: "ours" or "other", the process, its program, and the file that
# the code is in. Ends with 0 if all of them call ours, with 1 otherwise. Needs
# the right to read the processes' memory maps: usually root.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib.sh"
need objdump nm

[ $# -eq 1 ] || die "usage: postfix-running.sh MASTER-PID|FOLDER"
master=$1
if [ -d "$1" ]; then
    for file in "$1/pid/master.pid" "$1/queue/pid/master.pid"; do
        [ ! -f "$file" ] || master=$(tr -d ' ' <"$file")
    done
    [ "$master" != "$1" ] || die "$1 is neither a queue directory nor an instance: it has no pid/master.pid"
fi
case $master in
'' | *[!0-9]*) die "'$master' is neither a process number nor a folder" ;;
esac
[ "$(cat "/proc/$master/comm" 2>/dev/null)" = master ] || die "process $master is not a running Postfix master"
[ -r "/proc/$master/maps" ] || die "the memory map of process $master is not for $(id -un) to read. Run it as root."

# mapped PID NAME: the file of that name whose code the process has, read
# through /proc, so that it is the very file, whatever has its path by now.
mapped() {
    sed -n "s|^\([0-9a-f]*-[0-9a-f]*\) ..x.*/$2[^/]*\$|/proc/$1/map_files/\1|p" "/proc/$1/maps" | head -n 1
}
# Whether its own calls of master_notify go where the dynamic linker says.
can_be_preloaded() {
    objdump -R "$1" | grep -q '[[:space:]]master_notify\(@.*\)\{0,1\}$'
}

# A stripped program may be anything, such as the shell of a filter.
code_in() {
    "$root/scripts/postfix-object.sh" code "$1" | cut -d ' ' -f 1 | sed 's/^unknown$//'
}

total=0
foreign=0
children=$(cat "/proc/$master/task/$master/children")
for child in $children; do
    exe=/proc/$child/exe
    name=$(readlink "$exe") || continue # it has ended
    file=$exe
    # The dynamic linker's order: the program, what is preloaded, the libraries.
    code=$(code_in "$exe")
    if [ -z "$code" ]; then
        file=$(mapped "$child" 'libpostfix-master\.so')
        [ -n "$file" ] || continue # a program without master_notify, such as a filter
        preloaded=$(mapped "$child" 'libmaster_proto\.so')
        if [ -n "$preloaded" ] && can_be_preloaded "$file"; then
            file=$preloaded
        fi
        code=$(code_in "$file")
        if [ -z "$code" ]; then
            [ -e "$exe" ] || continue # it has ended meanwhile
            code=other
        fi
    fi
    printf '%-6s %7d  %-16s %s\n' "$code" "$child" "${name##*/}" "$(readlink "$file")"
    total=$((total + 1))
    [ "$code" = ours ] || foreign=$((foreign + 1))
done
[ "$total" -gt 0 ] || die "master, process $master, has no child that calls master_notify at the moment"
if [ "$foreign" -ne 0 ]; then
    echo "$foreign of the $total daemons of master, process $master, do not call our code"
    exit 1
fi
echo "all $total daemons of master, process $master, call our code"
