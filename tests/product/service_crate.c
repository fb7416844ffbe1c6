/*
 * Starts a program as master(8) does, once for each transport, by the names of
 * master_proto.h alone. The program must report that it is taken, then that it is
 * available, and exit with status 0.
 */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <master_proto.h>

/* The generation, which is different when it is read as a decimal number. */
#define GENERATION 01234567
#define GENERATION_TEXT "1234567"

static void run(char *program, char *transport)
{
    int ends[2], exit_status, status;
    MASTER_STATUS report;
    pid_t child;

    assert(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    child = fork();
    assert(child >= 0);
    if (child == 0) {
        /* Out of the way of the numbers that follow. */
        int copy = dup2(ends[1], 20);

        assert(dup2(copy, MASTER_STATUS_FD) >= 0 && dup2(copy, MASTER_LISTEN_FD) >= 0);
        assert(setenv(MASTER_GEN_NAME, GENERATION_TEXT, 1) == 0);
        execl(program, program, "-t", transport, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    for (status = MASTER_STAT_TAKEN; status <= MASTER_STAT_AVAIL; status++) {
        assert(read(ends[0], &report, sizeof report) == sizeof report);
        assert(report.pid == child && report.gen == GENERATION && report.avail == status);
    }
    assert(read(ends[0], &report, sizeof report) == 0);
    assert(waitpid(child, &exit_status, 0) == child && exit_status == 0);
    close(ends[0]);
}

int main(int argc, char **argv)
{
    assert(argc == 2);
    run(argv[1], MASTER_XPORT_NAME_UNIX);
    run(argv[1], MASTER_XPORT_NAME_FIFO);
    run(argv[1], MASTER_XPORT_NAME_INET);
    run(argv[1], MASTER_XPORT_NAME_PASS);
    run(argv[1], MASTER_XPORT_NAME_UXDG);
    return 0;
}
