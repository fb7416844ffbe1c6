/*
 * Calls master_notify() a number of times, for tools that count: count sent|lost NUMBER.
 * Descriptor 5 is /dev/null, or closed.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <master_proto.h>

/* As in a Postfix daemon without -v. */
int msg_verbose;
void msg_info(const char *format, ...);

void msg_info(const char *format, ...)
{
    (void) format;
    abort();
}

int main(int argc, char **argv)
{
    int sent = argc == 3 && strcmp(argv[1], "sent") == 0;
    int number = argc == 3 ? atoi(argv[2]) : 0;

    close(MASTER_STATUS_FD);
    if (sent && dup2(open("/dev/null", O_WRONLY), MASTER_STATUS_FD) != MASTER_STATUS_FD)
        return 2;
    while (number-- > 0)
        if ((master_notify(1, 2, MASTER_STAT_AVAIL) < 0) == sent)
            return 1;
    return 0;
}
