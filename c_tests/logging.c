/* With both of Postfix's msg symbols in the program: when and what it logs. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int reset(void **state)
{
    (void) state;
    memset(&msg_record, 0, sizeof(msg_record));
    msg_verbose = 0;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(silent_while_msg_verbose_is_zero, reset),
        cmocka_unit_test_setup(success_is_logged, reset),
        cmocka_unit_test_setup(failure_is_logged_with_errno, reset),
        cmocka_unit_test_setup(every_value_but_zero_is_verbose, reset),
        cmocka_unit_test_setup(each_call_looks_at_msg_verbose_again, reset),
    };

    return cmocka_run_group_tests_name("logging", tests, NULL, NULL);
}
