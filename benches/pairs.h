/*
 * The implementations that the benchmarks call by turns, in one process:
 * objects whose master_notify was renamed, and shared libraries.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include <time.h>

typedef int notify_function(int pid, unsigned generation, int status);

notify_function ours_notify;     /* build/master_proto.o */
notify_function c_notify;        /* Postfix's own code, -O2 */
notify_function hardened_notify; /* the same with a distribution's flags */
notify_function bare_notify;     /* bare.c */

static inline double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

#endif
