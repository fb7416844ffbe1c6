/* What the kernel does of its own with the one write of the call. */
#define _GNU_SOURCE /* posix_openpt */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

/* Each of these makes descriptor 5 something and returns the other end. */
static int a_fifo(void)
{
    int reader;

    assert_int_equal(mkfifo("fifo", 0600), 0);
    reader = not_status_fd(open("fifo", O_RDONLY | O_NONBLOCK));
    become_status_fd(open("fifo", O_WRONLY));
    unlink("fifo");
    return reader;
}

static int a_socket(int type)
{
    int ends[2];
    int reader;

    assert_int_equal(socketpair(AF_UNIX, type, 0, ends), 0);
    reader = not_status_fd(ends[0]);
    become_status_fd(ends[1]);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    return reader;
}

static int a_stream_socket(void)
{
    return a_socket(SOCK_STREAM);
}

static int a_datagram_socket(void)
{
    return a_socket(SOCK_DGRAM);
}

static int a_seqpacket_socket(void)
{
    return a_socket(SOCK_SEQPACKET);
}

static int a_file(void)
{
    int reader;

    become_status_fd(open("file", O_WRONLY | O_CREAT | O_TRUNC, 0600));
    reader = not_status_fd(open("file", O_RDONLY));
    unlink("file");
    return reader;
}

static int a_terminal(void)
{
    int reader = not_status_fd(posix_openpt(O_RDWR | O_NOCTTY));
    struct termios raw;

    assert_int_equal(grantpt(reader), 0);
    assert_int_equal(unlockpt(reader), 0);
    become_status_fd(open(ptsname(reader), O_RDWR | O_NOCTTY));
    assert_int_equal(tcgetattr(MASTER_STATUS_FD, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(MASTER_STATUS_FD, TCSANOW, &raw), 0);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    return reader;
}

static void whatever_can_be_written_to_takes_messages(void **state)
{
    int (*const make[])(void) = {
        status_pipe,        a_fifo, a_stream_socket, a_datagram_socket,
        a_seqpacket_socket, a_file, a_terminal,
    };
    unsigned i;

    (void) state;
    for (i = 0; i < sizeof(make) / sizeof(make[0]); i++) {
        int reader = make[i]();

        expect(0, EDOM);
        expect_message(reader, 1, 2, 3);
        expect(0, EDOM);
        expect_message(reader, 1, 2, 3);
        close(reader);
        close_status_fd();
    }
}

/* Opens a file as descriptor 5, and expects the failure. */
static void opened(const char *name, int flags, int error)
{
    become_status_fd(open(name, flags));
    expect(-1, error);
    close_status_fd();
}

static void descriptor_that_takes_nothing_fails_for_its_own_reason(void **state)
{
    (void) state;
    close_status_fd();
    expect(-1, EBADF);
    opened("/dev/null", O_RDONLY, EBADF);
    opened("/", O_RDONLY | O_DIRECTORY, EBADF);
    opened("/dev/full", O_WRONLY, ENOSPC);
    close(a_datagram_socket());
    expect(-1, ECONNREFUSED);
    close_status_fd();
}

static void full_nonblocking_pipe_is_eagain_and_sends_nothing(void **state)
{
    int reader = status_pipe();
    size_t filled = fill_status_pipe();

    (void) state;
    fcntl(MASTER_STATUS_FD, F_SETFL, O_NONBLOCK);
    expect(-1, EAGAIN);
    assert_int_equal(drain(reader), filled);
    close(reader);
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

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigaction(number, &action, NULL);
    signals = 0;
}

/* The write fails with a signal, which is ignored, then handled. */
static void fails_with_signal(int number, int error)
{
    handle(number, SIG_IGN, 0);
    expect(-1, error);
    handle(number, count_signal, 0);
    expect(-1, error);
    assert_int_equal(signals, 1);
    handle(number, SIG_DFL, 0);
    close_status_fd();
}

static void reader_gone_is_epipe_and_one_sigpipe(void **state)
{
    (void) state;
    close(status_pipe());
    fails_with_signal(SIGPIPE, EPIPE);
    close(a_stream_socket());
    fails_with_signal(SIGPIPE, EPIPE);
}

/* The size that files may have; returns the limit before. */
static rlim_t limit_files(rlim_t size)
{
    struct rlimit limit;
    rlim_t before;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    before = limit.rlim_cur;
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

static void file_at_its_limit_is_efbig_and_one_sigxfsz(void **state)
{
    rlim_t before = limit_files(0);

    (void) state;
    status_file();
    fails_with_signal(SIGXFSZ, EFBIG);
    limit_files(before);
}

static void file_near_its_limit_takes_a_part_and_errno_stays(void **state)
{
    rlim_t limit;

    (void) state;
    for (limit = 1; limit <= 12; limit++) {
        rlim_t before = limit_files(limit);

        status_file();
        expect(limit == 12 ? 0 : -1, EDOM);
        limit_files(before);
        lseek(MASTER_STATUS_FD, 0, SEEK_SET);
        assert_int_equal(drain(MASTER_STATUS_FD), limit);
        close_status_fd();
    }
}

/* A full pipe, and a timer that interrupts the call again and again. */
static int reader;
static volatile sig_atomic_t patience;

static void tick(int number)
{
    (void) number;
    mark_pause();
    if (++signals == patience)
        drain(reader);
    mark_resume();
}

static size_t interrupted(int flags, int ticks, int result, int error)
{
    const struct itimerval often = {{0, 20000}, {0, 20000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    size_t filled;

    reader = status_pipe();
    filled = fill_status_pipe();
    patience = ticks;
    handle(SIGALRM, tick, flags);
    setitimer(ITIMER_REAL, &often, NULL);
    expect(result, error);
    setitimer(ITIMER_REAL, &never, NULL);
    handle(SIGALRM, SIG_DFL, 0);
    close_status_fd();
    return filled;
}

static void interrupted_call_is_eintr_and_not_repeated(void **state)
{
    /* A call that tries again is set free, so that it fails and does not hang. */
    size_t filled = interrupted(0, 50, -1, EINTR);

    (void) state;
    assert_int_equal(drain(reader), filled);
    close(reader);
}

static void interrupted_call_goes_on_with_sa_restart(void **state)
{
    (void) state;
    interrupted(SA_RESTART, 3, 0, EDOM);
    expect_message(reader, 1, 2, 3);
    close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_can_be_written_to_takes_messages),
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
