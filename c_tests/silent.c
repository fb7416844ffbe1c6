/*
 * With one of the msg symbols in the program, or none: the call works and logs
 * nothing. The C original does not link into these programs.
 */
#include "harness.h"

#include <errno.h>

static void works_and_is_silent(void **state)
{
    int reader = status_pipe();
    char bytes[13];

    (void) state;
#ifndef NO_MSG_VERBOSE
    msg_verbose = 1;
#endif
    assert_int_equal(notify(1, 2, 3).result, 0);
    assert_int_equal(drain(reader, bytes, sizeof(bytes)), 12);
    close_status_fd();
    assert_int_equal(notify(1, 2, 3).error, EBADF);
    assert_int_equal(msg_record.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_and_is_silent),
    };

    return cmocka_run_group_tests_name("silent", tests, NULL, NULL);
}
