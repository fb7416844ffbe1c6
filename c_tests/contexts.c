/*
 * The call works wherever a child of master(8), or a program like it, makes it.
 * TESTS in the environment: a pattern for the names of the tests that run.
 */
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SMALL = 64 * 1024 };

static const char *program;

/* What the function sends in a child process arrives. */
static void sends_in_child(int (*body)(void))
{
    int reader = status_pipe();

    assert_int_equal(in_child(body), 0);
    expect_message(reader);
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
    sends_in_child(after_exec);
}

static int after_chroot(void)
{
    if (chroot("empty") != 0 || chdir("/") != 0 || setgid(1) != 0 || setuid(1) != 0) {
        perror("chroot, for which root is needed");
        return 2;
    }
    return master_notify(1, 2, 3);
}

static void works_in_a_chroot_without_privileges(void **state)
{
    (void) state;
    assert_int_equal(mkdir("empty", 0700), 0);
    sends_in_child(after_chroot);
    assert_int_equal(rmdir("empty"), 0);
}

/* Fails at first, with an errno of the thread's own. */
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

/* The C library unwinds the stack then, through the call. */
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
    /* Until the pipe is full; the next call blocks, and is where it is cancelled. */
    while (poll(&writer, 1, 0) != 0 && ++tries < 10000)
        usleep(1000);
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_after_exec),
        cmocka_unit_test(works_in_a_chroot_without_privileges),
        cmocka_unit_test(works_in_a_thread_with_a_small_stack),
        cmocka_unit_test(thread_can_be_cancelled_in_a_blocked_call),
        cmocka_unit_test(works_in_a_signal_handler_on_its_own_stack),
    };

    if (argc > 1)
        return master_notify(1, 2, 3);
    program = argv[0];
    cmocka_set_test_filter(getenv("TESTS"));
    return cmocka_run_group_tests_name("contexts", tests, NULL, NULL);
}
