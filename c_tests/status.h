/*
 * Shared by the C tests that use the real write(2): descriptor 5 and the call.
 * The C original passes these tests, too, so no assertion asks for more than it
 * does. The tests close nothing at their end: each program is short-lived.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <master_proto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The C original does not link without these. Nothing is logged here. */
int msg_verbose;
void msg_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

void msg_info(const char *format, ...)
{
    fail_msg("msg_info was called with \"%s\" while msg_verbose is 0", format);
}

/* Moves a descriptor to number 5. */
static inline void become_status_fd(int fd)
{
    assert_true(fd >= 0);
    if (fd != MASTER_STATUS_FD) {
        assert_int_equal(dup2(fd, MASTER_STATUS_FD), MASTER_STATUS_FD);
        close(fd);
    }
}

/*
 * Makes the writing end descriptor 5 and the reading end non-blocking, and
 * returns the reading end. That is moved first, in case it is descriptor 5.
 */
static inline int status_ends(int reader, int writer)
{
    int moved = fcntl(reader, F_DUPFD, 10);

    assert_true(moved >= 10);
    close(reader);
    become_status_fd(writer);
    fcntl(moved, F_SETFL, O_NONBLOCK);
    return moved;
}

static inline int status_pipe(void)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    return status_ends(ends[0], ends[1]);
}

static inline int status_socket(void)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    return status_ends(ends[0], ends[1]);
}

/* In the current directory, without a name. */
static inline int status_file(void)
{
    char name[] = "./master_proto.XXXXXX";
    int writer = mkstemp(name);
    int reader = open(name, O_RDONLY);

    unlink(name);
    return status_ends(reader, writer);
}

/* Fills the pipe at descriptor 5 and returns the number of bytes. */
static inline size_t fill_status_pipe(void)
{
    static const char page[4096];
    size_t filled = 0;
    ssize_t got;

    fcntl(MASTER_STATUS_FD, F_SETFL, O_NONBLOCK);
    while ((got = write(MASTER_STATUS_FD, page, sizeof(page))) > 0)
        filled += (size_t) got;
    fcntl(MASTER_STATUS_FD, F_SETFL, 0);
    return filled;
}

/* Reads all there is and returns the number of bytes; keeps errno. */
static inline size_t drain(int fd)
{
    static char buffer[4096];
    int error = errno;
    size_t have = 0;
    ssize_t got;

    while ((got = read(fd, buffer, sizeof(buffer))) > 0)
        have += (size_t) got;
    errno = error;
    return have;
}

/* Sets errno to EDOM and calls master_notify(1, 2, 3), which must return this result and errno. */
static inline void expect(int result, int error)
{
    int seen, seen_error;

    errno = EDOM;
    seen = master_notify(1, 2, 3);
    seen_error = errno;
    if (seen != result || seen_error != error)
        fail_msg("the call returns %d with errno %d, not %d with errno %d", seen, seen_error, result, error);
}

/* The reading end must hold the message (1, 2, 3) and nothing else. */
static inline void expect_message(int reader)
{
    MASTER_STATUS got[2];

    assert_int_equal(read(reader, got, sizeof(got)), sizeof(got[0]));
    assert_int_equal(got[0].pid, 1);
    assert_int_equal(got[0].gen, 2);
    assert_int_equal(got[0].avail, 3);
    assert_true(read(reader, got, sizeof(got)) <= 0);
}

/* Runs a function in a child process; its result is the exit status. */
static inline pid_t start(int (*body)(void))
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(body());
    return pid;
}
