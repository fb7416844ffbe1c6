/*
 * Times master_notify() of several shared libraries by turns: bench LIBRARY...
 * Prints the time of each over that of the last, as the median of all rounds.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LIBRARIES = 8, ROUNDS = 25, CALLS = 1000 };

/* As in a Postfix daemon without -v; the libraries refer to them. */
int msg_verbose;
void msg_info(const char *format, ...);

void msg_info(const char *format, ...)
{
    (void) format;
    abort();
}

static double seconds(int (*notify)(int, unsigned, int))
{
    struct timespec start, end;
    int i;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (i = 0; i < CALLS; i++)
        if (notify(1, 2, i & 1) < 0)
            abort();
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double) (end.tv_sec - start.tv_sec) + (double) (end.tv_nsec - start.tv_nsec) / 1e9;
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *) one, b = *(const double *) other;

    return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
    static double ratios[LIBRARIES][ROUNDS];
    int (*notify[LIBRARIES])(int, unsigned, int);
    int count = argc - 1;
    int i, round;

    if (count < 2 || count > LIBRARIES)
        return 2;
    for (i = 0; i < count; i++) {
        void *library = dlopen(argv[i + 1], RTLD_NOW);

        *(void **) &notify[i] = library == NULL ? NULL : dlsym(library, "master_notify");
        if (notify[i] == NULL) {
            fprintf(stderr, "bench: %s\n", dlerror());
            return 1;
        }
    }
    /* Forwards, then backwards, each round starting with another library: order cancels out. */
    for (round = 0; round < ROUNDS; round++) {
        double times[LIBRARIES] = {0};

        for (i = 0; i < 2 * count; i++) {
            int which = (round + (i < count ? i : 2 * count - 1 - i)) % count;

            times[which] += seconds(notify[which]);
        }
        for (i = 0; i < count; i++)
            ratios[i][round] = times[i] / times[count - 1];
    }
    for (i = 0; i < count - 1; i++) {
        qsort(ratios[i], ROUNDS, sizeof(double), compare);
        printf("%.4f ", ratios[i][ROUNDS / 2]);
    }
    printf("\n");
    return 0;
}
