/*
 * The time of a call, beside a bare write(2):
 *
 *   calls PAIRS OURS.so C.so
 *
 * In each pair so many calls of one implementation and so many bare writes
 * follow each other, the one or the other first by turns. Prints CSV: group,
 * case, pair, nanoseconds a call, nanoseconds a bare write.
 */
#include "pairs.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#define CALLS 1000 /* in each half of a pair */
#define STATUS_FD 5

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static notify_function *from_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    notify_function *function = NULL;

    if (library != NULL)
        *(void **) &function = dlsym(library, "master_notify");
    if (function == NULL) {
        fprintf(stderr, "calls: %s: %s\n", path, dlerror());
        exit(1);
    }
    return function;
}

/* For scale: what another service manager's notification costs. */
static int systemd_notify(int pid, unsigned generation, int status)
{
    (void) pid;
    (void) generation;
    return sd_notify(0, status ? "READY=1" : "RELOADING=1") > 0 ? 0 : -1;
}

static double nanoseconds(notify_function *function)
{
    double start = seconds();
    int i;

    for (i = 0; i < CALLS; i++)
        if (function(1, 2, i & 1) == -1)
            fail("a call failed");
    return (seconds() - start) * 1e9 / CALLS;
}

static void compare(const char *group, const char *name, notify_function *function, int pairs)
{
    int i;

    nanoseconds(function);
    for (i = 0; i < pairs; i++) {
        double reference = i % 2 ? nanoseconds(bare_notify) : 0;
        double time = nanoseconds(function);

        if (i % 2 == 0)
            reference = nanoseconds(bare_notify);
        printf("%s,%s,%d,%.2f,%.2f\n", group, name, i, time, reference);
    }
}

/* Another process that reads, as master(8) does, until all writers are gone. */
static pid_t start_reader(int fd, int writer)
{
    char buffer[65536];
    pid_t pid = fork();

    if (pid == -1)
        fail("fork");
    if (pid == 0) {
        close(writer);
        close(STATUS_FD);
        while (read(fd, buffer, sizeof(buffer)) > 0)
            ;
        _exit(0);
    }
    close(fd);
    return pid;
}

static void become_status_fd(int fd)
{
    if (dup2(fd, STATUS_FD) != STATUS_FD)
        fail("dup2");
    if (fd != STATUS_FD)
        close(fd);
}

int main(int argc, char **argv)
{
    int pairs = argc == 4 ? atoi(argv[1]) : 0;
    int ends[2];
    int listener;
    char folder[] = "/tmp/master_proto.XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pid_t pipe_reader, socket_reader;
    size_t i, n;

    if (pairs <= 0) {
        fprintf(stderr, "usage: calls PAIRS OURS.so C.so\n");
        return 2;
    }
    {
        const struct {
            const char *name;
            notify_function *function;
        } list[] = {
            {"ours", ours_notify},
            {"ours as a shared library", from_library(argv[2])},
            {"C", c_notify},
            {"C hardened", hardened_notify},
            {"C as a shared library", from_library(argv[3])},
            {"bare write again", bare_notify},
        };

        n = sizeof(list) / sizeof(list[0]);
        become_status_fd(open("/dev/null", O_WRONLY));
        for (i = 0; i < n; i++)
            compare("to /dev/null", list[i].name, list[i].function, pairs);

        if (pipe(ends) == -1)
            fail("pipe");
        become_status_fd(ends[1]);
        pipe_reader = start_reader(ends[0], STATUS_FD);
        for (i = 0; i < n; i++)
            compare("to a pipe", list[i].name, list[i].function, pairs);
    }

    /* Its path lives until the socket has both ends. */
    if (mkdtemp(folder) == NULL)
        fail(folder);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
    listener = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (listener == -1 || bind(listener, (struct sockaddr *) &address, sizeof(address)) == -1)
        fail(address.sun_path);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    socket_reader = start_reader(listener, STATUS_FD);
    compare("to a pipe", "sd_notify to its socket", systemd_notify, pairs);
    unlink(address.sun_path);
    rmdir(folder);

    /* A datagram socket has no end of file. */
    kill(socket_reader, SIGTERM);
    waitpid(socket_reader, NULL, 0);
    close(STATUS_FD);
    waitpid(pipe_reader, NULL, 0);
    return 0;
}
