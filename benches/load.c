/*
 * What it costs to load a shared library.
 *
 *   load time PAIRS OURS REFERENCE   dlopen and dlclose of each in turn, as CSV
 *   load smaps LIBRARY               /proc/self/smaps with the library loaded
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        fprintf(stderr, "load: %s\n", dlerror());
        exit(1);
    }
    return library;
}

/* Nanoseconds that dlopen takes. */
static double dlopen_time(const char *path)
{
    struct timespec start, end;
    void *library;

    clock_gettime(CLOCK_MONOTONIC, &start);
    library = load(path);
    clock_gettime(CLOCK_MONOTONIC, &end);
    dlclose(library);
    return (double) (end.tv_sec - start.tv_sec) * 1e9 + (double) (end.tv_nsec - start.tv_nsec);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "time") == 0) {
        int pairs = atoi(argv[2]);
        int i;

        for (i = 0; i < pairs; i++) {
            double ours = i % 2 ? 0 : dlopen_time(argv[3]);
            double reference = dlopen_time(argv[4]);

            if (i % 2)
                ours = dlopen_time(argv[3]);
            printf("load,dlopen,%d,%.0f,%.0f\n", i, ours, reference);
        }
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "smaps") == 0) {
        FILE *smaps;
        int c;

        load(argv[2]);
        smaps = fopen("/proc/self/smaps", "r");
        if (smaps == NULL) {
            perror("/proc/self/smaps");
            return 1;
        }
        while ((c = getc(smaps)) != EOF)
            putchar(c);
        return 0;
    }
    fprintf(stderr, "usage: load time PAIRS OURS REFERENCE, or load smaps LIBRARY\n");
    return 2;
}
