/* The smallest caller: says on descriptor 5 that this process is idle. */
#include <master_proto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    const char *generation = getenv(MASTER_GEN_NAME);

    /* Without master(8), descriptor 5 can be anything. */
    if (generation == NULL) {
        fprintf(stderr, "notify: %s is not in the environment: only master(8) starts this program\n",
                MASTER_GEN_NAME);
        return 1;
    }
    if (master_notify((int) getpid(), (unsigned) strtoul(generation, NULL, 8), MASTER_STAT_AVAIL) < 0) {
        perror("master_notify");
        return 1;
    }
    return 0;
}
