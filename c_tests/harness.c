#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Postfix's, without which the original does not link. Nothing is logged here. */
int msg_verbose;
void msg_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

void msg_info(const char *format, ...)
{
    fail_msg("msg_info was called with \"%s\" while msg_verbose is 0", format);
}

int not_status_fd(int fd)
{
    int other = fcntl(fd, F_DUPFD, 10);

    assert_true(other >= 10);
    close(fd);
    return other;
}

void become_status_fd(int fd)
{
    assert_true(fd >= 0);
    if (fd != MASTER_STATUS_FD) {
        assert_int_equal(dup2(fd, MASTER_STATUS_FD), MASTER_STATUS_FD);
        close(fd);
    }
}

void close_status_fd(void)
{
    close(MASTER_STATUS_FD);
}

int status_pipe(void)
{
    int ends[2];
    int reader;

    close_status_fd();
    assert_int_equal(pipe(ends), 0);
    reader = not_status_fd(ends[0]);
    become_status_fd(ends[1]);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    return reader;
}

void status_file(void)
{
    char name[] = "./master_proto.XXXXXX";

    become_status_fd(mkstemp(name));
    unlink(name);
}

size_t fill_status_pipe(void)
{
    static char buffer[4096];
    int flags = fcntl(MASTER_STATUS_FD, F_GETFL);
    size_t filled = 0;
    ssize_t got;

    fcntl(MASTER_STATUS_FD, F_SETFL, O_NONBLOCK);
    while ((got = write(MASTER_STATUS_FD, buffer, sizeof(buffer))) > 0)
        filled += (size_t) got;
    fcntl(MASTER_STATUS_FD, F_SETFL, flags);
    return filled;
}

size_t drain(int fd)
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

void expect(int result, int error)
{
    int seen, seen_error;

    errno = EDOM;
    mark_begin();
    seen = master_notify(1, 2, 3);
    mark_end();
    seen_error = errno;
    if (seen != result || seen_error != error)
        fail_msg("the call gives %d and errno %d, not %d and %d", seen, seen_error, result, error);
}

void expect_message(int reader, int pid, unsigned generation, int status)
{
    MASTER_STATUS got[2];

    assert_int_equal(read(reader, got, sizeof(got)), sizeof(got[0]));
    assert_int_equal(got[0].pid, pid);
    assert_int_equal(got[0].gen, generation);
    assert_int_equal(got[0].avail, status);
    assert_true(read(reader, got, sizeof(got)) <= 0);
}

int in_child(int (*body)(void))
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(body());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

void mark_begin(void)
{
    getppid();
}

void mark_end(void)
{
    getuid();
}

void mark_pause(void)
{
    geteuid();
}

void mark_resume(void)
{
    getgid();
}
