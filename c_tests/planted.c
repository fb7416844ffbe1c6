/*
 * A master_notify that works, with a mistake in it that only a tool sees:
 * PLANTED, a statement of tests/call/planted.rs.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <master_proto.h>

/* Libc's write is where tools look at code that they have not compiled. */
static void write_to_null(const void *data)
{
    int fd = open("/dev/null", O_WRONLY);

    if (write(fd, data, sizeof(MASTER_STATUS)) < 0)
        abort();
    close(fd);
}

int master_notify(int pid, unsigned generation, int status)
{
    MASTER_STATUS message;
    MASTER_STATUS uninitialised;

    PLANTED;
    message.pid = pid;
    message.gen = generation;
    message.avail = status;
    return write(MASTER_STATUS_FD, &message, sizeof(message)) == sizeof(message) ? 0 : -1;
}
