/*
 * Signals that end the process in the middle of the call. By itself, since an
 * emulated process that dies of a signal sometimes hangs in qemu-user.
 */
#include "harness.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int notify_without_reader(void)
{
    signal(SIGPIPE, SIG_DFL);
    close(status_pipe());
    notify(1, 2, 3);
    return 0;
}

static int notify_past_limit(void)
{
    char name[] = "/tmp/master_proto.XXXXXX";
    struct rlimit none = {0, 0};
    int fd = mkstemp(name);

    if (fd < 0)
        return 1;
    unlink(name);
    become_status_fd(fd);
    signal(SIGXFSZ, SIG_DFL);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &none);
    notify_unobserved(0, 1, 2, 3);
    return 0;
}

static void check_death(int (*body)(void), int number)
{
    int status = in_child(body);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
}

static void reader_gone_kills_by_sigpipe_by_default(void **state)
{
    (void) state;
    check_death(notify_without_reader, SIGPIPE);
}

static void file_past_its_limit_kills_by_sigxfsz_by_default(void **state)
{
    (void) state;
    check_death(notify_past_limit, SIGXFSZ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_gone_kills_by_sigpipe_by_default),
        cmocka_unit_test(file_past_its_limit_kills_by_sigxfsz_by_default),
    };

    return cmocka_run_group_tests_name("fatal", tests, NULL, NULL);
}
