/* How master_notify() reports what write(2) can do: EINTR, EAGAIN, SIGPIPE, short writes. */
#include "status.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

static void pipe_socket_and_file_take_messages(void **state)
{
    int (*const make[])(void) = {status_pipe, status_socket, status_file};
    unsigned i;

    (void) state;
    for (i = 0; i < sizeof(make) / sizeof(make[0]); i++) {
        int reader = make[i]();

        expect(0, EDOM);
        expect_message(reader);
        expect(0, EDOM);
        expect_message(reader);
    }
}

static void descriptor_that_takes_nothing_fails_for_its_own_reason(void **state)
{
    static const struct {
        const char *name;
        int flags, error;
    } files[] = {
        {"/dev/null", O_RDONLY, EBADF},
        {"/", O_RDONLY | O_DIRECTORY, EBADF},
        {"/dev/full", O_WRONLY, ENOSPC},
    };
    unsigned i;

    (void) state;
    close(MASTER_STATUS_FD);
    expect(-1, EBADF);
    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        become_status_fd(open(files[i].name, files[i].flags));
        expect(-1, files[i].error);
    }
}

static void full_nonblocking_pipe_is_eagain_and_sends_nothing(void **state)
{
    int reader = status_pipe();
    size_t filled = fill_status_pipe();

    (void) state;
    fcntl(MASTER_STATUS_FD, F_SETFL, O_NONBLOCK);
    expect(-1, EAGAIN);
    assert_int_equal(drain(reader), filled);
}

/* How often the handler ran, and on which run it drains the pipe. */
static volatile sig_atomic_t signals, patience;
static int full;

static void count_signal(int number)
{
    (void) number;
    if (++signals == patience)
        drain(full);
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigaction(number, &action, NULL);
    signals = 0;
}

/* The write fails and raises a signal, which is first ignored, then handled. */
static void fails_with_signal(int number, int error)
{
    handle(number, SIG_IGN, 0);
    expect(-1, error);
    handle(number, count_signal, 0);
    expect(-1, error);
    assert_int_equal(signals, 1);
    handle(number, SIG_DFL, 0);
}

static void reader_gone_is_epipe_and_one_sigpipe(void **state)
{
    (void) state;
    close(status_pipe());
    fails_with_signal(SIGPIPE, EPIPE);
    close(status_socket());
    fails_with_signal(SIGPIPE, EPIPE);
}

/* Limits the size of files from now on. */
static void limit_files(rlim_t size)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void file_at_its_limit_is_efbig_and_one_sigxfsz(void **state)
{
    (void) state;
    status_file();
    limit_files(0);
    fails_with_signal(SIGXFSZ, EFBIG);
    limit_files(RLIM_INFINITY);
}

static void file_near_its_limit_takes_a_part_and_errno_stays(void **state)
{
    rlim_t limit;

    (void) state;
    for (limit = 1; limit <= 12; limit++) {
        int reader = status_file();

        limit_files(limit);
        expect(limit == 12 ? 0 : -1, EDOM);
        limit_files(RLIM_INFINITY);
        assert_int_equal(drain(reader), limit);
    }
}

/* Calls with a full pipe and a timer that interrupts again and again. */
static size_t interrupted(int flags, int ticks, int result, int error)
{
    const struct itimerval often = {{0, 20000}, {0, 20000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    size_t filled;

    full = status_pipe();
    filled = fill_status_pipe();
    patience = ticks;
    handle(SIGALRM, count_signal, flags);
    setitimer(ITIMER_REAL, &often, NULL);
    expect(result, error);
    setitimer(ITIMER_REAL, &never, NULL);
    return filled;
}

static void interrupted_call_is_eintr_and_not_repeated(void **state)
{
    /* After 50 signals the pipe is drained, so that a call that retries fails and does not hang. */
    size_t filled = interrupted(0, 50, -1, EINTR);

    (void) state;
    assert_int_equal(drain(full), filled);
}

static void interrupted_call_goes_on_with_sa_restart(void **state)
{
    (void) state;
    interrupted(SA_RESTART, 3, 0, EDOM);
    expect_message(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipe_socket_and_file_take_messages),
        cmocka_unit_test(descriptor_that_takes_nothing_fails_for_its_own_reason),
        cmocka_unit_test(full_nonblocking_pipe_is_eagain_and_sends_nothing),
        cmocka_unit_test(reader_gone_is_epipe_and_one_sigpipe),
        cmocka_unit_test(file_at_its_limit_is_efbig_and_one_sigxfsz),
        cmocka_unit_test(file_near_its_limit_takes_a_part_and_errno_stays),
        cmocka_unit_test(interrupted_call_is_eintr_and_not_repeated),
        cmocka_unit_test(interrupted_call_goes_on_with_sa_restart),
    };

    return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
