/*
 * A caller in C and C++ that needs no test framework, so that it links in every
 * way. With MSG_VERBOSE and MSG_INFO it defines the Postfix symbol of that name.
 * The C original needs both; ours logs nothing unless both are there.
 */
#include <master_proto.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int logged;

#ifdef __cplusplus
extern "C" {
#endif

#ifdef MSG_VERBOSE
int msg_verbose = 1;
#endif

#ifdef MSG_INFO
void msg_info(const char *format, ...);

void msg_info(const char *format, ...)
{
    va_list arguments;
    char line[80];

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    logged += strstr(line, "master_notify: status 1") == line;
}
#endif

#ifdef __cplusplus
}
#endif

#if defined(MSG_VERBOSE) && defined(MSG_INFO)
#define LOGGED 2
#else
#define LOGGED 0
#endif

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("caller.c:%d: failed: %s\n", __LINE__, #condition); \
            return 1; \
        } \
    } while (0)

int main(void)
{
    MASTER_STATUS got = {0, 0, 0};
    int ends[2];

    close(MASTER_STATUS_FD);
    errno = 0;
    CHECK(master_notify(1, 2, MASTER_STAT_AVAIL) == -1 && (LOGGED || errno == EBADF));
    CHECK(pipe(ends) == 0);
    CHECK(ends[0] != MASTER_STATUS_FD && dup2(ends[1], MASTER_STATUS_FD) == MASTER_STATUS_FD);
    CHECK(master_notify(1, 2, MASTER_STAT_AVAIL) == 0);
    CHECK(read(ends[0], &got, sizeof(got)) == sizeof(got));
    CHECK(got.pid == 1 && got.gen == 2 && got.avail == 1);
    CHECK(logged == LOGGED);
    return 0;
}
