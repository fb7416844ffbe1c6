/* With both of Postfix's msg symbols in the program: when and what it logs. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int reset(void **state)
{
    (void) state;
    memset(&msg_record, 0, sizeof(msg_record));
    msg_verbose = 0;
    msg_hook = NULL;
    return 0;
}

static void to_null(void)
{
    become_status_fd(open("/dev/null", O_WRONLY));
}

static void silent_while_msg_verbose_is_zero(void **state)
{
    (void) state;
    to_null();
    notify(1, 2, 3);
    close_status_fd();
    notify(1, 2, 3);
    assert_int_equal(msg_record.calls, 0);
}

static void success_is_logged(void **state)
{
    (void) state;
    msg_verbose = 1;
    to_null();
    assert_int_equal(notify(1, 2, -3).result, 0);
    assert_int_equal(msg_record.calls, 1);
    assert_string_equal(msg_record.format, "%s: status %d");
    assert_string_equal(msg_record.name, "master_notify");
    assert_int_equal(msg_record.status, -3);
    close_status_fd();
}

static void failure_is_logged_with_errno(void **state)
{
    (void) state;
    msg_verbose = 1;
    close_status_fd();
    assert_int_equal(notify(1, 2, 0).result, -1);
    assert_int_equal(msg_record.calls, 1);
    assert_string_equal(msg_record.format, "%s: status %d: %m");
    assert_string_equal(msg_record.name, "master_notify");
    assert_int_equal(msg_record.status, 0);
    assert_int_equal(msg_record.error, EBADF);
}

static void every_value_but_zero_is_verbose(void **state)
{
    static const int values[] = {1, 2, -1, 256, 65536, -2147483647 - 1};
    unsigned i;

    (void) state;
    to_null();
    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        msg_verbose = values[i];
        notify(1, 2, 3);
        assert_int_equal(msg_record.calls, i + 1);
    }
    close_status_fd();
}

static void each_call_looks_at_msg_verbose_again(void **state)
{
    (void) state;
    to_null();
    msg_verbose = 1;
    notify(1, 2, 3);
    msg_verbose = 0;
    notify(1, 2, 3);
    msg_verbose = 1;
    notify(1, 2, 3);
    assert_int_equal(msg_record.calls, 2);
    close_status_fd();
}

static void become_verbose(int number)
{
    (void) number;
    mark_pause();
    msg_verbose = 1;
    mark_resume();
}

static void become_silent(int number)
{
    (void) number;
    mark_pause();
    msg_verbose = 0;
    mark_resume();
}

/* So it is read after the write, which brings the signal. */
static void msg_verbose_that_the_write_changes_counts(void **state)
{
    (void) state;
    signal(SIGPIPE, become_verbose);
    close(status_pipe());
    assert_int_equal(notify(1, 2, 3).error, EPIPE);
    assert_int_equal(msg_record.calls, 1);
    assert_int_equal(msg_record.error, EPIPE);

    signal(SIGPIPE, become_silent);
    assert_int_equal(msg_verbose, 1);
    assert_int_equal(notify(1, 2, 3).error, EPIPE);
    assert_int_equal(msg_record.calls, 1);
    signal(SIGPIPE, SIG_DFL);
    close_status_fd();
}

static void clobber_errno(void)
{
    errno = EDOM;
}

static void errno_is_what_msg_info_leaves(void **state)
{
    (void) state;
    msg_verbose = 1;
    msg_hook = clobber_errno;
    close_status_fd();
    assert_int_equal(notify(1, 2, 3).error, EDOM);
    assert_int_equal(msg_record.error, EBADF);
    to_null();
    assert_int_equal(notify(1, 2, 3).error, EDOM);
    close_status_fd();
}

/* The result is the write's, whatever msg_info does to errno. */
static void result_does_not_depend_on_msg_info(void **state)
{
    (void) state;
    msg_verbose = 1;
    msg_hook = clobber_errno;
    to_null();
    assert_int_equal(notify(1, 2, 3).result, 0);
    close_status_fd();
    assert_int_equal(notify(1, 2, 3).result, -1);
}

static unsigned depth;

/* A msg_info that reports to master itself, once. */
static void notify_again(void)
{
    struct msg_record outer = msg_record;

    if (depth++ > 0)
        return;
    observe("inner call: %d", master_notify(4, 5, 6));
    assert_int_equal(msg_record.calls, outer.calls + 1);
    assert_int_equal(msg_record.status, 6);
}

static void msg_info_may_call_master_notify(void **state)
{
    int reader = status_pipe();
    MASTER_STATUS got[3];

    (void) state;
    msg_verbose = 1;
    msg_hook = notify_again;
    depth = 0;
    assert_int_equal(notify(1, 2, 3).result, 0);
    assert_int_equal(msg_record.calls, 2);
    assert_int_equal(drain(reader, got, sizeof(got)), 24);
    assert_int_equal(got[0].pid, 1);
    assert_int_equal(got[1].pid, 4);

    depth = 0;
    close(reader);
    close_status_fd();
    assert_int_equal(notify(1, 2, 3).result, -1);
    assert_int_equal(msg_record.calls, 4);
}

/* As a failure, with the errno that was there before. */
static void short_write_is_logged_with_the_old_errno(void **state)
{
    char name[] = "/tmp/master_proto.XXXXXX";
    struct rlimit old, small;
    int fd = mkstemp(name);

    (void) state;
    assert_true(fd >= 0);
    unlink(name);
    become_status_fd(fd);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 5;
    msg_verbose = 1;
    msg_hook = clobber_errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(notify_unobserved(ERANGE, 1, 2, 3).result, -1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    observe("msg_info(\"%s\"), errno %d", msg_record.format, msg_record.error);
    assert_string_equal(msg_record.format, "%s: status %d: %m");
    assert_int_equal(msg_record.error, ERANGE);
    close_status_fd();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(silent_while_msg_verbose_is_zero, reset),
        cmocka_unit_test_setup(success_is_logged, reset),
        cmocka_unit_test_setup(failure_is_logged_with_errno, reset),
        cmocka_unit_test_setup(every_value_but_zero_is_verbose, reset),
        cmocka_unit_test_setup(each_call_looks_at_msg_verbose_again, reset),
        cmocka_unit_test_setup(msg_verbose_that_the_write_changes_counts, reset),
        cmocka_unit_test_setup(errno_is_what_msg_info_leaves, reset),
        cmocka_unit_test_setup(result_does_not_depend_on_msg_info, reset),
        cmocka_unit_test_setup(msg_info_may_call_master_notify, reset),
        cmocka_unit_test_setup(short_write_is_logged_with_the_old_errno, reset),
    };

    return cmocka_run_group_tests_name("logging", tests, NULL, NULL);
}
