#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void observe(const char *format, ...)
{
    static FILE *notes;
    va_list arguments;

    if (notes == NULL) {
        const char *name = getenv("OBSERVATIONS");

        notes = fopen(name ? name : "/dev/null", "a");
        if (notes == NULL) {
            perror(name);
            exit(2);
        }
        /* Whole lines, also from a process that ends in a signal. */
        setvbuf(notes, NULL, _IOLBF, 0);
    }
    va_start(arguments, format);
    vfprintf(notes, format, arguments);
    va_end(arguments);
    fputc('\n', notes);
    fflush(notes);
}

int not_status_fd(int fd)
{
    int other = fcntl(fd, F_DUPFD, 10);

    assert_true(other >= 10);
    close(fd);
    return other;
}

void become_status_fd(int fd)
{
    if (fd != MASTER_STATUS_FD) {
        assert_int_equal(dup2(fd, MASTER_STATUS_FD), MASTER_STATUS_FD);
        close(fd);
    }
}

void close_status_fd(void)
{
    close(MASTER_STATUS_FD);
}

int status_pipe(void)
{
    int ends[2];
    int reader;

    close_status_fd();
    assert_int_equal(pipe(ends), 0);
    reader = not_status_fd(ends[0]);
    become_status_fd(ends[1]);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    return reader;
}

/* What a call must leave as it was. */
struct surroundings {
    int flags[32];
    int modes[32];
    sigset_t mask;
    size_t heap;
};

static void look_around(struct surroundings *seen)
{
    int fd;

    memset(seen, 0, sizeof(*seen));
    for (fd = 0; fd < 32; fd++) {
        seen->flags[fd] = fcntl(fd, F_GETFD);
        seen->modes[fd] = fcntl(fd, F_GETFL);
    }
    sigprocmask(SIG_BLOCK, NULL, &seen->mask);
#ifdef __GLIBC__
    /* A block that was allocated and freed again still counts: it is cached. */
    seen->heap = mallinfo2().uordblks;
#endif
}

struct outcome notify_unobserved(int error_before, int pid, unsigned generation, int status)
{
    struct surroundings before, after;
    struct outcome seen;

    look_around(&before);
    errno = error_before;
    mark_begin();
    seen.result = master_notify(pid, generation, status);
    mark_end();
    seen.error = errno;
    look_around(&after);
    assert_memory_equal(&before, &after, sizeof(before));
    return seen;
}

struct outcome notify(int pid, unsigned generation, int status)
{
    struct outcome seen;

    /* Opens the notes, should this be the first. */
    observe("notify(%d, %u, %d)", pid, generation, status);
    seen = notify_unobserved(0, pid, generation, status);
    observe("= %d, errno %d", seen.result, seen.error);
    return seen;
}

void mark_begin(void)
{
    getppid();
}

void mark_end(void)
{
    getuid();
}

void mark_pause(void)
{
    geteuid();
}

void mark_resume(void)
{
    getgid();
}

int in_child(int (*body)(void))
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(body());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        observe("child: signal %d", WTERMSIG(status));
    else
        observe("child: exit status %d", WEXITSTATUS(status));
    return status;
}

unsigned long setting(const char *name, unsigned long otherwise)
{
    const char *given = getenv(name);

    return given != NULL ? strtoul(given, NULL, 0) : otherwise;
}

uint32_t next_random(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

size_t drain(int fd, void *buffer, size_t size)
{
    size_t have = 0;
    char line[128];
    size_t i;

    while (have < size) {
        ssize_t got = read(fd, (char *) buffer + have, size - have);

        if (got <= 0)
            break;
        have += (size_t) got;
    }
    line[0] = '\0';
    for (i = 0; i < have && i < 24; i++)
        sprintf(line + 3 * i, " %02x", ((unsigned char *) buffer)[i]);
    observe("%lu bytes:%s", (unsigned long) have, line);
    return have;
}
