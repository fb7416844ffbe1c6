#!/bin/sh
# Checks that this machine allows what the sandbox of the tests needs: root, real or
# of a user namespace, with the rights that Postfix uses, and tracing.
set -eu
user=$(id -un)
die() {
    printf '%s\n' "$*" >&2
    exit 1
}
if [ "$(id -u)" -eq 0 ]; then
    rights=$(sed -n 's/^CapEff:.//p' /proc/self/status) lacks=
    for right in 0:CHOWN 1:DAC_OVERRIDE 3:FOWNER 5:KILL 6:SETGID 7:SETUID; do
        [ $((0x$rights >> ${right%:*} & 1)) -eq 1 ] || lacks="$lacks --cap-add=${right#*:}"
    done
    [ -z "$lacks" ] ||
        die "root lacks capabilities here that Postfix needs. In a container: docker run$lacks"
else
    unshare --user --map-root-user true 2>/dev/null ||
        die "$user can have no user namespace here, which the sandbox needs. Run this as root (in a" \
            "container: docker run --user 0), or see /proc/sys/user/max_user_namespaces and" \
            "kernel.apparmor_restrict_unprivileged_userns in sysctl(8)."
    ! command -v newuidmap >/dev/null || for file in /etc/subuid /etc/subgid; do
        grep -q -e "^$user:" -e "^$(id -u):" "$file" 2>/dev/null ||
            die "$file gives $user no IDs for the sandbox. As root:" \
                "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $user"
    done
fi
! command -v strace >/dev/null || strace -o /dev/null true 2>/dev/null ||
    die "strace(1) cannot trace here. See /proc/sys/kernel/yama/ptrace_scope;" \
        "in a container: docker run --cap-add=SYS_PTRACE"
