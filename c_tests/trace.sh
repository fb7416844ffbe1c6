#!/bin/sh
# Runs a harness under strace and adds the system calls of each call of
# master_notify to what the harness observed: trace.sh PROGRAM [ARGUMENT...]
#
# For run.sh, as RUN=. The harness marks each call (harness.h). Fails unless
# each call makes exactly one system call, a write of 12 bytes to descriptor 5.
set -eu
: "${OBSERVATIONS:?is the file to which the harness adds what it observes}"
trace=$OBSERVATIONS.strace
strace -f -qq -x -s 64 -o "$trace" "$@"

# One line per call. Processes overlap, so the lines are sorted in the end.
awk '
{
    pid = $1
    line = $0
    sub(/^[0-9]+ +/, "", line)
}
line ~ /<unfinished \.\.\.>$/ {
    sub(/ *<unfinished \.\.\.>$/, "", line)
    pending[pid] = line
    next
}
line ~ /^<\.\.\. [a-z0-9_]+ resumed>/ {
    sub(/^<\.\.\. [a-z0-9_]+ resumed>/, "", line)
    line = pending[pid] line
}
{ gsub(/ +/, " ", line) }

function finish(pid, last) {
    if (pid in writes) {
        print "call:" text[pid] last
        calls++
        if (writes[pid] != 1)
            bad(pid, writes[pid] " writes")
    }
    delete writes[pid]
}
function bad(pid, what) {
    print "trace.sh: process " pid ": " what " in the call" text[pid] >"/dev/stderr"
    failed = 1
}

line ~ /^getppid\(/ { writes[pid] = 0; text[pid] = ""; restart[pid] = ""; next }
line ~ /^getuid(32)?\(/ { finish(pid, ""); next }
line ~ /^geteuid(32)?\(/ { paused[pid]++; next }
line ~ /^getgid(32)?\(/ { if (--paused[pid] <= 0) delete paused[pid]; next }
line ~ /^\+\+\+ / {
    # strace says it of each process: exited, or killed and by what.
    sub(/ \(core dumped\)/, "", line)
    finish(pid, " " line)
    delete paused[pid]
    next
}
!(pid in writes) || (pid in paused) { next }

# The timers of the harnesses tick as they like.
line ~ /^--- SIGALRM / { next }
line ~ /^--- SIG/ { split(line, word, " "); text[pid] = text[pid] " " word[2]; next }

# An interrupted write has its result once the handler has returned: EINTR, or
# the kernel makes the same system call again.
line ~ /^write\(5, .*, 12\) = \? ERESTARTSYS/ { restart[pid] = line; next }
line ~ /^(rt_)?sigreturn\(/ {
    if (restart[pid] != "" && line ~ /= -1 EINTR/) {
        sub(/\? ERESTARTSYS.*/, "-1 EINTR", restart[pid])
        text[pid] = text[pid] " " restart[pid]
        writes[pid]++
    }
    restart[pid] = ""
    next
}
line ~ /^write\(5, .*, 12\) = / { text[pid] = text[pid] " " line; writes[pid]++; next }
{ text[pid] = text[pid] " " line; bad(pid, "another system call") }

END {
    if (calls == 0) {
        print "trace.sh: no call was seen; nothing was checked" >"/dev/stderr"
        failed = 1
    }
    exit failed
}
' "$trace" >"$trace.calls"
LC_ALL=C sort "$trace.calls" >>"$OBSERVATIONS"
