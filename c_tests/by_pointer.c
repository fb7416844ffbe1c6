/*
 * A program for Linux on arm64 that calls master_notify() by a pointer, with
 * logging on. It uses no C library, so that all its code has landing pads.
 */
#include <master_proto.h>

int msg_verbose = 1;
void msg_info(const char *format, ...);
long write(int descriptor, const void *data, unsigned long size);
void _start(void);

static int logged;
static int (*volatile notify)(int, unsigned, int) = master_notify;

static long system_call(long number, long one, long two, long three)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = one;
    register long x1 __asm__("x1") = two;
    register long x2 __asm__("x2") = three;

    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}

long write(int descriptor, const void *data, unsigned long size)
{
    return system_call(64, descriptor, (long) data, (long) size);
}

void msg_info(const char *format, ...)
{
    (void) format;
    logged++;
}

void _start(void)
{
    int result = notify(1, 2, 3);

    system_call(93, result == 0 && logged == 1 ? 0 : 1, 0, 0);
}
