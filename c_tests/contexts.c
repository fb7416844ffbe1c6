/*
 * The call works in a thread, in a signal handler and under seccomp, and ends a
 * thread or the process where write does. qemu-user cannot run all of these
 * tests: a process killed by a signal sometimes hangs there. The environment
 * variable FILTER is a pattern for the names of the tests to run.
 */
#include "status.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

enum { SMALL = 64 * 1024 };

/* The first call fails, and sets the errno of this thread only. */
static void *in_thread(void *reader)
{
    close(MASTER_STATUS_FD);
    if (master_notify(1, 2, 3) != -1 || errno != EBADF)
        return NULL;
    *(int *) reader = status_pipe();
    return master_notify(1, 2, 3) == 0 ? reader : NULL;
}

static void works_in_a_thread_with_a_small_stack(void **state)
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *result;
    int reader;

    (void) state;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SMALL);
    errno = EDOM;
    assert_int_equal(pthread_create(&thread, &attributes, in_thread, &reader), 0);
    pthread_join(thread, &result);
    assert_int_equal(errno, EDOM);
    pthread_attr_destroy(&attributes);
    assert_ptr_equal(result, &reader);
    expect_message(reader);
}

static void clean_up(void *cleaned)
{
    *(int *) cleaned = 1;
}

static void *block_in_thread(void *cleaned)
{
    pthread_cleanup_push(clean_up, cleaned);
    for (;;)
        master_notify(1, 2, 3);
    pthread_cleanup_pop(0);
    return NULL;
}

/* The C library then unwinds the stack, through the call. */
static void thread_can_be_cancelled_in_a_blocked_call(void **state)
{
    struct pollfd writer = {MASTER_STATUS_FD, POLLOUT, 0};
    int cleaned = 0;
    int tries = 0;
    pthread_t thread;
    void *result;

    (void) state;
    status_pipe();
    assert_int_equal(pthread_create(&thread, NULL, block_in_thread, &cleaned), 0);
    /* Once the pipe is full, the next call blocks, and the thread is cancelled in it. */
    while (poll(&writer, 1, 0) != 0 && ++tries < 10000)
        usleep(1000);
    assert_int_equal(poll(&writer, 1, 0), 0);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    assert_true(result == PTHREAD_CANCELED);
    assert_int_equal(cleaned, 1);
}

static volatile sig_atomic_t result_in_handler = 1;

static void in_handler(int number)
{
    (void) number;
    result_in_handler = master_notify(1, 2, 3);
}

static void works_in_a_signal_handler_on_its_own_stack(void **state)
{
    static char stack[SMALL];
    int reader = status_pipe();
    struct sigaction action;
    stack_t own, old;

    (void) state;
    memset(&own, 0, sizeof(own));
    own.ss_size = sizeof(stack);
    own.ss_sp = stack;
    assert_int_equal(sigaltstack(&own, &old), 0);
    memset(&action, 0, sizeof(action));
    action.sa_handler = in_handler;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    sigaltstack(&old, NULL);
    assert_int_equal(result_in_handler, 0);
    expect_message(reader);
}

static const struct rlimit none = {0, 0};

/* The body, run in a child process, must die of this signal. It leaves no core file. */
static void dies_of(int number, int (*body)(void))
{
    int status;

    setrlimit(RLIMIT_CORE, &none);
    assert_true(waitpid(start(body), &status, 0) > 0);
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
/*
 * Makes the kernel answer a write(2) to descriptor 5 in this way instead. Tools
 * such as valgrind write to others. The filter loads the first half of the
 * argument, which on a little-endian machine is the low one.
 */
static void filter_write(unsigned answer)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MASTER_STATUS_FD, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(lines) / sizeof(lines[0]), lines};

    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static int refused(void)
{
    status_pipe();
    filter_write(SECCOMP_RET_ERRNO | EPERM);
    errno = 0;
    return master_notify(1, 2, 3) == -1 && errno == EPERM ? 0 : 1;
}

static void write_refused_by_seccomp_is_its_errno(void **state)
{
    int status;

    (void) state;
    assert_true(waitpid(start(refused), &status, 0) > 0);
    assert_int_equal(status, 0);
}

static int forbidden(void)
{
    status_pipe();
    filter_write(SECCOMP_RET_KILL_PROCESS);
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
        cmocka_unit_test(works_in_a_thread_with_a_small_stack),
        cmocka_unit_test(thread_can_be_cancelled_in_a_blocked_call),
        cmocka_unit_test(works_in_a_signal_handler_on_its_own_stack),
        cmocka_unit_test(reader_gone_kills_by_sigpipe_by_default),
        cmocka_unit_test(file_past_its_limit_kills_by_sigxfsz_by_default),
#ifdef __linux__
        cmocka_unit_test(write_refused_by_seccomp_is_its_errno),
        cmocka_unit_test(write_forbidden_by_seccomp_kills_by_sigsys),
#endif
    };

    cmocka_set_test_filter(getenv("FILTER"));
    return cmocka_run_group_tests_name("contexts", tests, NULL, NULL);
}
