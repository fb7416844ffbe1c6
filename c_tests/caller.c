/*
 * A caller without a test framework, which can be linked in every way:
 * tools.sh links it static, position-independent and with -flto. With MSG
 * defined it has Postfix's msg symbols. Ends with 0 if all is well.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <master_proto.h>

static int logged;

#ifdef MSG
int msg_verbose = 1;

void msg_info(const char *format, ...)
{
    va_list arguments;
    char line[80];

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    logged += strncmp(line, "master_notify: status 3", 23) == 0;
}
#define LOGGED 2
#else
#define LOGGED 0
#endif

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("caller: line %d: not so: %s\n", __LINE__, #condition); \
            return 1; \
        } \
    } while (0)

int main(void)
{
    MASTER_STATUS got;
    int ends[2];

    close(MASTER_STATUS_FD);
    errno = 0;
    CHECK(master_notify(1, 2, 3) == -1 && errno == EBADF);
    CHECK(pipe(ends) == 0);
    CHECK(ends[0] != MASTER_STATUS_FD && dup2(ends[1], MASTER_STATUS_FD) == MASTER_STATUS_FD);
    CHECK(master_notify(1, 2, 3) == 0);
    CHECK(read(ends[0], &got, sizeof(got)) == sizeof(got));
    CHECK(got.pid == 1 && got.gen == 2 && got.avail == 3);
    CHECK(logged == LOGGED);
    return 0;
}
