/*
 * Another thread changes msg_verbose all the time: each call is logged rightly
 * or not at all, and sends its message. A race in C's terms, the original's
 * too, so it has a program of its own, which the thread sanitizer does not see.
 */
#include "harness.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile int stop;

static void *flip(void *unused)
{
    volatile int *verbose = &msg_verbose;

    (void) unused;
    while (!stop) {
        *verbose = !*verbose;
        sched_yield();
    }
    return NULL;
}

static void nothing(void)
{
}

static void each_call_is_logged_rightly_or_not_at_all(void **state)
{
    time_t end = time(NULL) + 30;
    unsigned logged = 0, silent = 0;
    pthread_t thread;

    (void) state;
    become_status_fd(open("/dev/null", O_WRONLY));
    msg_hook = nothing;
    assert_int_equal(pthread_create(&thread, NULL, flip, NULL), 0);
    while ((logged < 1000 || silent < 1000) && time(NULL) < end) {
        memset(&msg_record, 0, sizeof(msg_record));
        if (master_notify(1, 2, (int) logged) != 0)
            break;
        if (msg_record.calls == 0) {
            silent++;
            continue;
        }
        if (msg_record.calls != 1 || msg_record.status != (int) logged ||
            strcmp(msg_record.format, "%s: status %d") != 0 ||
            strcmp(msg_record.name, "master_notify") != 0)
            break;
        logged++;
    }
    stop = 1;
    pthread_join(thread, NULL);
    close_status_fd();
    assert_true(logged >= 1000);
    assert_true(silent >= 1000);
    observe("logged and silent calls, all right");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_is_logged_rightly_or_not_at_all),
    };

    return cmocka_run_group_tests_name("flips", tests, NULL, NULL);
}
