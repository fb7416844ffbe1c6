/*
 * A write that ends the process, and one that seccomp decides. By itself, since
 * an emulated process that dies of a signal sometimes hangs in qemu-user, which
 * has no seccomp either.
 */
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct rlimit none = {0, 0};

static void dies_of(int number, int (*body)(void))
{
    int status = in_child(body);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
}

static int without_reader(void)
{
    close(status_pipe());
    return master_notify(1, 2, 3);
}

static void reader_gone_kills_by_sigpipe_by_default(void **state)
{
    (void) state;
    dies_of(SIGPIPE, without_reader);
}

static int past_the_limit(void)
{
    status_file();
    setrlimit(RLIMIT_FSIZE, &none);
    return master_notify(1, 2, 3);
}

static void file_past_its_limit_kills_by_sigxfsz_by_default(void **state)
{
    (void) state;
    dies_of(SIGXFSZ, past_the_limit);
}

#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Has the kernel answer each write(2) of this process without doing it. */
static void filter_writes(unsigned answer)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(lines) / sizeof(lines[0]), lines};

    status_pipe();
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static int refused(void)
{
    filter_writes(SECCOMP_RET_ERRNO | EPERM);
    errno = 0;
    return master_notify(1, 2, 3) == -1 && errno == EPERM ? 0 : 1;
}

static void write_refused_by_seccomp_is_its_errno(void **state)
{
    (void) state;
    assert_int_equal(in_child(refused), 0);
}

static int forbidden(void)
{
    filter_writes(SECCOMP_RET_KILL);
    return master_notify(1, 2, 3);
}

static void write_forbidden_by_seccomp_kills_by_sigsys(void **state)
{
    (void) state;
    dies_of(SIGSYS, forbidden);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_gone_kills_by_sigpipe_by_default),
        cmocka_unit_test(file_past_its_limit_kills_by_sigxfsz_by_default),
#ifdef __linux__
        cmocka_unit_test(write_refused_by_seccomp_is_its_errno),
        cmocka_unit_test(write_forbidden_by_seccomp_kills_by_sigsys),
#endif
    };

    /* Those that die leave no core file. */
    setrlimit(RLIMIT_CORE, &none);
    return cmocka_run_group_tests_name("fatal", tests, NULL, NULL);
}
