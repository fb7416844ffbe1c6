/*
 * What happens when Linux's seccomp refuses the write. By itself, since
 * qemu-user has no seccomp and other systems do not either.
 */
#include "harness.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Has the kernel answer write(2) to descriptor 5 without doing it. */
static void refuse_writes(unsigned answer)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    enum { LOW_HALF = 4 };
#else
    enum { LOW_HALF = 0 };
#endif
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + LOW_HALF),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MASTER_STATUS_FD, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(lines) / sizeof(lines[0]), lines};

    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static int notify_refused(void)
{
    struct outcome seen;

    status_pipe();
    refuse_writes(SECCOMP_RET_ERRNO | EPERM);
    seen = notify(1, 2, 3);
    return seen.result == -1 && seen.error == EPERM ? 0 : 1;
}

static int notify_with_nothing_written(void)
{
    struct outcome seen;

    status_pipe();
    refuse_writes(SECCOMP_RET_ERRNO | 0);
    msg_verbose = 1;
    seen = notify_unobserved(EDOM, 1, 2, 3);
    return seen.result == -1 && seen.error == EDOM && msg_record.calls == 1 &&
                   msg_record.error == EDOM && strcmp(msg_record.format, "%s: status %d: %m") == 0
               ? 0
               : 1;
}

static int notify_forbidden(void)
{
    struct rlimit no_core = {0, 0};

    setrlimit(RLIMIT_CORE, &no_core);
    status_pipe();
    refuse_writes(SECCOMP_RET_KILL);
    notify(1, 2, 3);
    return 0;
}

static void check_exit(int (*body)(void))
{
    int status = in_child(body);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void write_refused_by_seccomp_is_its_errno(void **state)
{
    (void) state;
    check_exit(notify_refused);
}

/* The kernel says 0: no error, and not a byte. */
static void write_of_nothing_is_a_failure_that_leaves_errno(void **state)
{
    (void) state;
    check_exit(notify_with_nothing_written);
}

static void write_forbidden_by_seccomp_kills_by_sigsys(void **state)
{
    int status;

    (void) state;
    status = in_child(notify_forbidden);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_refused_by_seccomp_is_its_errno),
        cmocka_unit_test(write_of_nothing_is_a_failure_that_leaves_errno),
        cmocka_unit_test(write_forbidden_by_seccomp_kills_by_sigsys),
    };

    return cmocka_run_group_tests_name("seccomp", tests, NULL, NULL);
}
