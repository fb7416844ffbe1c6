/*
 * A master_notify that works, with a mistake in it that only a tool sees.
 * PLANTED says which; tests/call/planted.rs sees to it that the tool does.
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

static void uninitialised(void)
{
    MASTER_STATUS message;

    write_to_null(&message);
}

static void overrun(void)
{
    char *short_buffer = calloc(1, sizeof(MASTER_STATUS) - 1);

    write_to_null(short_buffer);
    free(short_buffer);
}

static void overflow(void)
{
    static volatile int big = INT_MAX;

    big = big + 1;
    big = INT_MAX;
}

static void race(void)
{
    static int shared;

    shared++;
}

static void another_system_call(void)
{
    (void) getpgrp();
}

/* Of its own, which no symbol tells of. */
static void own_system_call(void)
{
#ifdef __x86_64__
    long number = 110; /* getppid */

    __asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
#endif
}

int master_notify(int pid, unsigned generation, int status)
{
    MASTER_STATUS message;

    (void) uninitialised, (void) overrun, (void) overflow, (void) race;
    (void) another_system_call, (void) own_system_call;
    PLANTED();
    message.pid = pid;
    message.gen = generation;
    message.avail = status;
    return write(MASTER_STATUS_FD, &message, sizeof(message)) == sizeof(message) ? 0 : -1;
}
