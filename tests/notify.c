/*
 * A program with Postfix's msg_verbose and msg_info: notify VERBOSE ERRNO
 *
 * Calls master_notify once, with both set so, and prints what comes of it: each
 * log call with its arguments and errno, then the result and errno.
 */
#include <errno.h>
#include <master_proto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int msg_verbose;
void msg_info(const char *format, ...);

void msg_info(const char *format, ...)
{
    int error = errno;
    va_list list;

    va_start(list, format);
    printf("[%s]", format);
    printf(" %s", va_arg(list, const char *));
    printf(" %d, errno %d\n", va_arg(list, int), error);
    va_end(list);
    errno = error;
}

int main(int argc, char **argv)
{
    int result;

    if (argc != 3)
        return 2;
    msg_verbose = atoi(argv[1]);
    errno = atoi(argv[2]);
    result = master_notify(-2, 4294967295u, 1);
    printf("%d, errno %d\n", result, errno);
    return 0;
}
