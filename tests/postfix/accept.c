/*
 * Linked into a service with --wrap=accept --wrap=accept4 --wrap=write: while there is a file "stop",
 * the process is stopped as it returns from accept(2); while there is a file "full",
 * accept fails. The file "record" tells of that, and of what is written to descriptor 5.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int record;

/* While it is root, in the queue directory. */
__attribute__((constructor)) static void open_record(void)
{
    record = open("record", O_WRONLY | O_APPEND | O_CREAT, 0600);
}

int __real_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    int client;

    if (access("full", F_OK) == 0) {
        dprintf(record, "accept fails\n");
        errno = EMFILE;
        return -1;
    }
    client = __real_accept4(fd, address, length, flags);
    if (access("stop", F_OK) == 0)
        raise(SIGSTOP);
    return client;
}

int __wrap_accept(int fd, struct sockaddr *address, socklen_t *length)
{
    return __wrap_accept4(fd, address, length, 0);
}

ssize_t __real_write(int fd, const void *data, size_t length);
ssize_t __wrap_write(int fd, const void *data, size_t length)
{
    const int *message = (const int *)data;
    ssize_t written = __real_write(fd, data, length);

    if (fd == 5)
        dprintf(record, "%d in generation %d says %d: %zd%s\n", message[0], message[1], message[2],
                written, written < 0 && errno == EPIPE ? " EPIPE" : "");
    return written;
}
