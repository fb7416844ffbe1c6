/*
 * A working master_notify() with a defect, so that tests/call/planted.rs sees
 * each tool find it: PLANTED, a statement.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <master_proto.h>

/* Tools check what uninstrumented code passes to write(2) of the C library. */
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
