#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void observe(const char *format, ...)
{
    static FILE *notes;
    va_list arguments;

    if (notes == NULL) {
        const char *name = getenv("OBSERVATIONS");

        notes = fopen(name ? name : "/dev/null", "a");
        if (notes == NULL) {
            perror(name);
            exit(2);
        }
        /* Whole lines, also from a process that ends in a signal. */
        setvbuf(notes, NULL, _IOLBF, 0);
    }
    va_start(arguments, format);
    vfprintf(notes, format, arguments);
    va_end(arguments);
    fputc('\n', notes);
    fflush(notes);
}

void become_status_fd(int fd)
{
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
    /* The reader is out of the way, should it have become 5. */
    reader = fcntl(ends[0], F_DUPFD, 10);
    assert_true(reader >= 10);
    close(ends[0]);
    become_status_fd(ends[1]);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    return reader;
}

struct outcome notify(int pid, unsigned generation, int status)
{
    struct outcome seen;

    errno = 0;
    seen.result = master_notify(pid, generation, status);
    seen.error = errno;
    observe("notify(%d, %u, %d) = %d, errno %d", pid, generation, status, seen.result, seen.error);
    return seen;
}

size_t drain(int fd, void *buffer, size_t size)
{
    size_t have = 0;
    char line[128];
    size_t i;

    while (have < size) {
        ssize_t got = read(fd, (char *) buffer + have, size - have);

        if (got <= 0)
            break;
        have += (size_t) got;
    }
    line[0] = '\0';
    for (i = 0; i < have && i < 24; i++)
        sprintf(line + 3 * i, " %02x", ((unsigned char *) buffer)[i]);
    observe("%lu bytes:%s", (unsigned long) have, line);
    return have;
}
