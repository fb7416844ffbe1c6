/* What happens when the message cannot be sent. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
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

static void full_device_is_enospc(void **state)
{
    (void) state;
    become_status_fd(open("/dev/full", O_WRONLY));
    check_failure(ENOSPC);
    close_status_fd();
}

/* The signals that came, counted by a handler. */
static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void) number;
    mark_pause();
    signals++;
    mark_resume();
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

static void reader_gone_runs_the_sigpipe_handler_once(void **state)
{
    (void) state;
    signals = 0;
    signal(SIGPIPE, count_signal);
    close(status_pipe());
    check_failure(EPIPE);
    observe("%d signals", (int) signals);
    assert_int_equal(signals, 1);
    signal(SIGPIPE, SIG_DFL);
    close_status_fd();
}

/* A full pipe, and how its reader and a timer deal with it. */
static int reader;
static size_t filled;
static volatile sig_atomic_t ticks;

static void fill_status_pipe(int flags)
{
    static char buffer[4096];
    ssize_t got;

    reader = status_pipe();
    filled = 0;
    fcntl(MASTER_STATUS_FD, F_SETFL, O_NONBLOCK);
    while ((got = write(MASTER_STATUS_FD, buffer, sizeof(buffer))) > 0)
        filled += (size_t) got;
    fcntl(MASTER_STATUS_FD, F_SETFL, flags);
}

static void empty_pipe(void)
{
    static char buffer[4096];
    int error = errno;

    while (read(reader, buffer, sizeof(buffer)) > 0)
        ;
    errno = error;
}

/* Reads the tail of what is in the pipe: the message, if there is one. */
static size_t after_filling(void)
{
    static char buffer[1 << 20];

    return drain(reader, buffer, sizeof(buffer)) - filled;
}

static void start_ticks(void (*handler)(int), int flags)
{
    struct sigaction action;
    struct itimerval often = {{0, 20000}, {0, 20000}};

    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigaction(SIGALRM, &action, NULL);
    ticks = 0;
    setitimer(ITIMER_REAL, &often, NULL);
}

static void stop_ticks(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};

    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
}

static void full_nonblocking_pipe_is_eagain_and_sends_nothing(void **state)
{
    (void) state;
    fill_status_pipe(O_NONBLOCK);
    check_failure(EAGAIN);
    assert_int_equal(after_filling(), 0);
    close(reader);
    close_status_fd();
}

/* Lets a call that tries again end too, so that it fails instead of hanging. */
static void tick(int number)
{
    (void) number;
    mark_pause();
    if (++ticks > 25)
        empty_pipe();
    mark_resume();
}

static void interrupted_call_is_eintr_and_not_repeated(void **state)
{
    struct outcome seen;

    (void) state;
    fill_status_pipe(0);
    start_ticks(tick, 0);
    seen = notify_unobserved(0, 1, 2, 3);
    stop_ticks();
    observe("interrupted: %d, errno %d", seen.result, seen.error);
    assert_int_equal(seen.result, -1);
    assert_int_equal(seen.error, EINTR);
    assert_int_equal(after_filling(), 0);
    close(reader);
    close_status_fd();
}

static void tick_and_drain(int number)
{
    (void) number;
    mark_pause();
    if (++ticks == 3)
        empty_pipe();
    mark_resume();
}

static void interrupted_call_goes_on_with_sa_restart(void **state)
{
    struct outcome seen;
    char bytes[13];

    (void) state;
    fill_status_pipe(0);
    start_ticks(tick_and_drain, SA_RESTART);
    seen = notify_unobserved(0, 1, 2, 3);
    stop_ticks();
    observe("restarted: %d, errno %d", seen.result, seen.error);
    assert_true(ticks >= 3);
    assert_int_equal(seen.result, 0);
    assert_int_equal(seen.error, 0);
    assert_int_equal(drain(reader, bytes, sizeof(bytes)), 12);
    close(reader);
    close_status_fd();
}

/* Calls with descriptor 5 a file that may have no more than limit bytes. */
static struct outcome notify_within(rlim_t limit, int error_before)
{
    struct rlimit old, small;
    struct outcome seen;
    struct stat facts;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = limit;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    /* The limit holds for the notes too, so they wait. */
    seen = notify_unobserved(error_before, 1, 2, 3);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(fstat(MASTER_STATUS_FD, &facts), 0);
    observe("limit %d: %d, errno %d, file of %d bytes", (int) limit, seen.result, seen.error,
            (int) facts.st_size);
    return seen;
}

static void open_status_file(void)
{
    char name[] = "/tmp/master_proto.XXXXXX";
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    unlink(name);
    become_status_fd(fd);
}

/* errno stays what it was, since write(2) has succeeded, in part. */
static void short_write_is_a_failure_that_leaves_errno(void **state)
{
    int limit;

    (void) state;
    for (limit = 1; limit < 12; limit++) {
        struct outcome seen;
        char bytes[13];

        open_status_file();
        seen = notify_within((rlim_t) limit, EDOM);
        assert_int_equal(seen.result, -1);
        assert_int_equal(seen.error, EDOM);
        lseek(MASTER_STATUS_FD, 0, SEEK_SET);
        assert_int_equal(drain(MASTER_STATUS_FD, bytes, sizeof(bytes)), limit);
        close_status_fd();
    }
}

static void success_leaves_errno(void **state)
{
    struct outcome seen;

    (void) state;
    open_status_file();
    seen = notify_within(12, EDOM);
    assert_int_equal(seen.result, 0);
    assert_int_equal(seen.error, EDOM);
    close_status_fd();
}

static void file_past_its_limit_is_efbig(void **state)
{
    struct outcome seen;

    (void) state;
    open_status_file();
    signal(SIGXFSZ, SIG_IGN);
    seen = notify_within(0, 0);
    assert_int_equal(seen.result, -1);
    assert_int_equal(seen.error, EFBIG);

    signals = 0;
    signal(SIGXFSZ, count_signal);
    seen = notify_within(0, 0);
    assert_int_equal(seen.result, -1);
    assert_int_equal(seen.error, EFBIG);
    observe("%d signals", (int) signals);
    assert_int_equal(signals, 1);
    signal(SIGXFSZ, SIG_DFL);
    close_status_fd();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_descriptor_is_ebadf),
        cmocka_unit_test(full_device_is_enospc),
        cmocka_unit_test(reader_gone_is_epipe),
        cmocka_unit_test(reader_gone_runs_the_sigpipe_handler_once),
        cmocka_unit_test(full_nonblocking_pipe_is_eagain_and_sends_nothing),
        cmocka_unit_test(interrupted_call_is_eintr_and_not_repeated),
        cmocka_unit_test(interrupted_call_goes_on_with_sa_restart),
        cmocka_unit_test(short_write_is_a_failure_that_leaves_errno),
        cmocka_unit_test(success_leaves_errno),
        cmocka_unit_test(file_past_its_limit_is_efbig),
    };

    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
