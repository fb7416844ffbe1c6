/* The call works wherever a child of master(8), or a program like it, makes it. */
#include "harness.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *program;

static void check_message(int reader, int pid)
{
    MASTER_STATUS got[2];

    assert_int_equal(drain(reader, got, sizeof(got)), sizeof(got[0]));
    assert_int_equal(got[0].pid, pid);
    assert_int_equal(got[0].gen, 2);
    assert_int_equal(got[0].avail, 3);
    close(reader);
    close_status_fd();
}

static void check_child(int (*body)(void), int pid)
{
    int reader = status_pipe();
    int status = in_child(body);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    check_message(reader, pid);
}

static int after_fork(void)
{
    return notify(1, 2, 3).result;
}

static void works_after_fork(void **state)
{
    (void) state;
    check_child(after_fork, 1);
}

/* main() makes the call when it finds the argument. */
static int after_exec(void)
{
    execl(program, program, "call", (char *) NULL);
    return 2;
}

static void works_after_exec(void **state)
{
    (void) state;
    check_child(after_exec, 4);
}

static char folder[] = "/tmp/master_proto.XXXXXX";

static int after_chroot(void)
{
    if (chroot(folder) != 0 || chdir("/") != 0 || setgid(65534) != 0 || setuid(65534) != 0) {
        perror("chroot, for which root is needed");
        return 2;
    }
    return notify(5, 2, 3).result;
}

static void works_in_a_chroot_without_privileges(void **state)
{
    (void) state;
    assert_non_null(mkdtemp(folder));
    check_child(after_chroot, 5);
    assert_int_equal(rmdir(folder), 0);
}

static void *in_thread(void *result)
{
    errno = 0;
    *(int *) result = master_notify(6, 2, 3) == 0 && errno == 0;
    return NULL;
}

static void works_in_a_thread_with_a_small_stack(void **state)
{
    int reader = status_pipe();
    int good = 0;
    pthread_attr_t attributes;
    pthread_t thread;

    (void) state;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    assert_int_equal(pthread_create(&thread, &attributes, in_thread, &good), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    observe("in a thread: %s", good ? "success" : "failure");
    assert_int_equal(good, 1);
    check_message(reader, 6);
}

/* Each thread has an errno of its own. */
static void *fail_in_thread(void *error)
{
    errno = 0;
    if (master_notify(6, 2, 3) == -1)
        *(int *) error = errno;
    return NULL;
}

static void failure_in_a_thread_leaves_the_errno_of_others(void **state)
{
    int error = 0;
    pthread_t thread;

    (void) state;
    close_status_fd();
    errno = EDOM;
    assert_int_equal(pthread_create(&thread, NULL, fail_in_thread, &error), 0);
    pthread_join(thread, NULL);
    observe("errno %d in the thread, %d here", error, errno);
    assert_int_equal(errno, EDOM);
    assert_int_equal(error, EBADF);
}

static void clean_up(void *cleaned)
{
    *(int *) cleaned = 1;
}

static void *block_in_thread(void *cleaned)
{
    pthread_cleanup_push(clean_up, cleaned);
    for (;;)
        master_notify(9, 2, 3);
    pthread_cleanup_pop(0);
    return NULL;
}

/* The C library unwinds the stack then, through the call. */
static void thread_can_be_cancelled_in_a_blocked_call(void **state)
{
    const struct timespec soon = {0, 50000000};
    int reader = status_pipe();
    int cleaned = 0;
    void *result = NULL;
    pthread_t thread;

    (void) state;
    assert_int_equal(pthread_create(&thread, NULL, block_in_thread, &cleaned), 0);
    /* Enough to fill the pipe; if it is not, it is cancelled in another call. */
    nanosleep(&soon, NULL);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    observe("cancelled: %d, cleaned up: %d", result == PTHREAD_CANCELED, cleaned);
    assert_true(result == PTHREAD_CANCELED);
    assert_int_equal(cleaned, 1);
    close(reader);
    close_status_fd();
}

static volatile sig_atomic_t handled;

static void notify_in_handler(int number)
{
    (void) number;
    handled = master_notify(7, 2, 3) == 0 ? 1 : -1;
}

static void works_in_a_signal_handler_on_its_own_stack(void **state)
{
    int reader = status_pipe();
    size_t size = 64 * 1024;
    struct sigaction action;
    stack_t own, old;

    (void) state;
    memset(&own, 0, sizeof(own));
    own.ss_size = size;
    own.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(own.ss_sp != MAP_FAILED);
    assert_int_equal(sigaltstack(&own, &old), 0);
    memset(&action, 0, sizeof(action));
    action.sa_handler = notify_in_handler;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
    sigaltstack(&old, NULL);
    munmap(own.ss_sp, size);
    observe("in a handler: %d", (int) handled);
    assert_int_equal(handled, 1);
    check_message(reader, 7);
}

/* A call inside a call, as a handler of SIGPIPE may make it. */
static volatile sig_atomic_t inner_result;
static volatile sig_atomic_t inner_error;

static void notify_within_notify(int number)
{
    (void) number;
    mark_pause();
    /* The inner call's own signal is of no use here. */
    signal(SIGPIPE, SIG_IGN);
    inner_result = master_notify(8, 2, 3);
    inner_error = errno;
    mark_resume();
}

static void works_inside_a_call_that_a_signal_interrupts(void **state)
{
    struct outcome seen;

    (void) state;
    signal(SIGPIPE, notify_within_notify);
    close(status_pipe());
    seen = notify(1, 2, 3);
    observe("inner call: %d, errno %d", (int) inner_result, (int) inner_error);
    assert_int_equal(inner_result, -1);
    assert_int_equal(inner_error, EPIPE);
    assert_int_equal(seen.result, -1);
    assert_int_equal(seen.error, EPIPE);
    signal(SIGPIPE, SIG_DFL);
    close_status_fd();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_after_fork),
        cmocka_unit_test(works_after_exec),
        cmocka_unit_test(works_in_a_chroot_without_privileges),
        cmocka_unit_test(works_in_a_thread_with_a_small_stack),
        cmocka_unit_test(failure_in_a_thread_leaves_the_errno_of_others),
        cmocka_unit_test(thread_can_be_cancelled_in_a_blocked_call),
        cmocka_unit_test(works_in_a_signal_handler_on_its_own_stack),
        cmocka_unit_test(works_inside_a_call_that_a_signal_interrupts),
    };

    if (argc > 1)
        return master_notify(4, 2, 3);
    program = argv[0];
    return cmocka_run_group_tests_name("contexts", tests, NULL, NULL);
}
