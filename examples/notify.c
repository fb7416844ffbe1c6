/* The smallest caller: says on descriptor 5 that this process is idle. */
#include <master_proto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    const char *generation = getenv(MASTER_GEN_NAME);
    unsigned number = generation ? (unsigned) strtoul(generation, NULL, 8) : 0;

    if (master_notify((int) getpid(), number, MASTER_STAT_AVAIL) < 0) {
        perror("master_notify");
        return 1;
    }
    return 0;
}
