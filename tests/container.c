/*
 * Runs a command with the rights that root has in a default container of Docker or
 * Podman: its capabilities, and a system call filter that refuses namespaces and mounts.
 *
 *     container COMMAND...
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (1u << (capability))
/* All of them are below 32. */
static const unsigned capabilities = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) |
    BIT(CAP_FSETID) | BIT(CAP_KILL) | BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETPCAP) |
    BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_NET_RAW) | BIT(CAP_SYS_CHROOT) | BIT(CAP_MKNOD) |
    BIT(CAP_AUDIT_WRITE) | BIT(CAP_SETFCAP);

/* All that clone(2) takes. */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
    CLONE_NEWPID | CLONE_NEWNET)

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSE(call, error)                                                                        \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), RETURN(SECCOMP_RET_ERRNO | (error))

static struct sock_filter filter[] = {
    LOAD(nr),
    REFUSE(unshare, EPERM), REFUSE(setns, EPERM), REFUSE(mount, EPERM), REFUSE(umount2, EPERM),
    REFUSE(pivot_root, EPERM), REFUSE(open_tree, EPERM), REFUSE(move_mount, EPERM),
    REFUSE(fsopen, EPERM), REFUSE(bpf, EPERM), REFUSE(perf_event_open, EPERM),
    REFUSE(keyctl, EPERM), REFUSE(userfaultfd, EPERM),
    REFUSE(clone3, ENOSYS), /* so that the C library takes clone, whose flags can be seen */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1),
    RETURN(SECCOMP_RET_ERRNO | EPERM),
    RETURN(SECCOMP_RET_ALLOW),
};

int main(int argc, char **argv)
{
    struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct sets[2] = { { capabilities, capabilities, 0 }, { 0, 0, 0 } };

    if (argc < 2) {
        fprintf(stderr, "usage: container COMMAND...\n");
        return 2;
    }
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        perror("container: the filter for system calls");
    else {
        for (int i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++)
            if (i > 31 || !(capabilities & BIT(i)))
                prctl(PR_CAPBSET_DROP, i);
        if (syscall(SYS_capset, &header, sets) != 0)
            perror("container: capabilities");
        else {
            execvp(argv[1], argv + 1);
            perror(argv[1]);
        }
    }
    return 126;
}
