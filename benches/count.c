/*
 * Calls master_notify so often: count NUMBER. What a tool counts over two
 * numbers of calls, divided by their difference, is exactly one call.
 */
#include <master_proto.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    long number = argc == 2 ? atol(argv[1]) : 0;

    if (number <= 0) {
        fprintf(stderr, "usage: count NUMBER, with descriptor 5 open or closed\n");
        return 2;
    }
    while (number-- > 0)
        master_notify(1, 2, MASTER_STAT_AVAIL);
    return 0;
}
