/* What happens when the message cannot be sent. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_failure(int error)
{
    struct outcome seen = notify(1, 2, 3);

    assert_int_equal(seen.result, -1);
    assert_int_equal(seen.error, error);
}

static void closed_descriptor_is_ebadf(void **state)
{
    (void) state;
    close_status_fd();
    check_failure(EBADF);
}

static void reader_gone_is_epipe(void **state)
{
    (void) state;
    signal(SIGPIPE, SIG_IGN);
    close(status_pipe());
    check_failure(EPIPE);
    signal(SIGPIPE, SIG_DFL);
    close_status_fd();
}

static void full_pipe_is_eagain_and_sends_nothing(void **state)
{
    int reader = status_pipe();
    static char buffer[1 << 20];
    ssize_t filled = 0, got;

    (void) state;
    fcntl(MASTER_STATUS_FD, F_SETFL, O_NONBLOCK);
    while ((got = write(MASTER_STATUS_FD, buffer, 4096)) > 0)
        filled += got;
    check_failure(EAGAIN);
    assert_int_equal(drain(reader, buffer, sizeof(buffer)), filled);
    close(reader);
    close_status_fd();
}

static void full_device_is_enospc(void **state)
{
    (void) state;
    become_status_fd(open("/dev/full", O_WRONLY));
    check_failure(ENOSPC);
    close_status_fd();
}

/* errno stays what it was, since write(2) has succeeded, in part. */
static void short_write_is_a_failure_without_errno(void **state)
{
    char name[] = "/tmp/master_proto.XXXXXX";
    int fd = mkstemp(name);
    struct rlimit old, small;
    struct stat facts;
    int result, error;

    (void) state;
    assert_true(fd >= 0);
    unlink(name);
    become_status_fd(fd);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 5;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    /* The limit holds for the notes too, so they wait. */
    errno = 0;
    result = master_notify(1, 2, 3);
    error = errno;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(fstat(MASTER_STATUS_FD, &facts), 0);
    observe("result %d, errno %d, %d bytes written", result, error, (int) facts.st_size);
    assert_int_equal(result, -1);
    assert_int_equal(error, 0);
    assert_int_equal(facts.st_size, 5);
    close_status_fd();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_descriptor_is_ebadf),
        cmocka_unit_test(reader_gone_is_epipe),
        cmocka_unit_test(full_pipe_is_eagain_and_sends_nothing),
        cmocka_unit_test(full_device_is_enospc),
        cmocka_unit_test(short_write_is_a_failure_without_errno),
    };

    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
