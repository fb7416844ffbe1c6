#!/bin/sh
# Lists the status messages in a trace of a running Postfix:
# status-messages.sh TRACE
#
# TRACE comes from: strace -f -s 64 -x -v -e trace=execve,write
# One line per write to descriptor 5 of a Postfix daemon, with five columns
# between tabs: service, pid, generation, TAKEN or AVAIL (or the number), and
# what write(2) returned. A write that is not one whole MASTER_STATUS of this
# very process has the word MALFORMED in its fourth column; with -v, strace shows
# the GENERATION that master gave to the process, which then counts too.
set -eu
if [ $# -ne 1 ] || [ ! -r "$1" ]; then
    echo "usage: status-messages.sh TRACE, a file that strace has written" >&2
    exit 2
fi
little_endian=$(printf '\1\0' | od -An -td2 | tr -d ' ')

awk -v little_endian="$little_endian" '
# A number in the four bytes of s that start at byte n; a byte is \xNN.
function number(s, n,    i, value, digits, at) {
    digits = "0123456789abcdef"
    value = 0
    for (i = 0; i < 4; i++) {
        at = 4 * (little_endian == 1 ? n + 3 - i : n + i) + 3
        value = value * 256 + 16 * (index(digits, substr(s, at, 1)) - 1) \
            + index(digits, substr(s, at + 1, 1)) - 1
    }
    return value
}
function report(pid, line,    parts, bytes, status, result) {
    bytes = line
    sub(/^write\(5, "/, "", bytes)
    sub(/".*/, "", bytes)
    result = line
    sub(/.*= /, "", result)
    if (line !~ /", 12\) += / || length(bytes) != 48) {
        printf "%s\t%s\t-\tMALFORMED\t%s\n", service[pid], pid, line
        return
    }
    status = number(bytes, 8)
    if (number(bytes, 0) != pid || (pid in generation) && number(bytes, 4) != generation[pid])
        status = "MALFORMED"
    else if (status == 0)
        status = "TAKEN"
    else if (status == 1)
        status = "AVAIL"
    printf "%s\t%s\t%.0f\t%s\t%s\n", service[pid], pid, number(bytes, 4), status, result
}
function octal(s,    i, value) {
    value = 0
    for (i = 1; i <= length(s); i++)
        value = value * 8 + substr(s, i, 1)
    return value
}
{
    pid = $1
    line = $0
    sub(/^[0-9]+ +/, "", line)
}
# master tells a daemon its transport with -t, and its service with -n unless
# the program has the same name.
line ~ /^execve\(.*"-t", "/ {
    delete generation[pid]
    name = line
    if (sub(/.*"GENERATION=/, "", name)) {
        sub(/".*/, "", name)
        generation[pid] = octal(name)
    }
    name = line
    sub(/\], .*/, "", name)
    if (sub(/.*"-n", "/, "", name) == 0) {
        sub(/^execve\("/, "", name)
        sub(/^[^"]*\//, "", name)
    }
    sub(/".*/, "", name)
    service[pid] = name
    next
}
line ~ /^execve\(/ { delete service[pid]; next }
!(pid in service) { next }
line ~ /^write\(5, / && line ~ /<unfinished \.\.\.>$/ {
    sub(/ *<unfinished \.\.\.>$/, "", line)
    pending[pid] = line
    next
}
line ~ /^<\.\.\. write resumed>/ && (pid in pending) {
    sub(/^<\.\.\. write resumed>/, "", line)
    report(pid, pending[pid] line)
    delete pending[pid]
    next
}
line ~ /^write\(5, / { report(pid, line) }
' "$1"
