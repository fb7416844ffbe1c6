/*
 * Linked with Postfix's own libpostfix-util, whose msg_info writes to the
 * standard error stream: the log lines as a reader of the log sees them.
 */
#include <sys_defs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <msg.h>
#include <msg_vstream.h>
#include <vstream.h>

#include <master_proto.h>

/* The case's name goes to the log too, by itself. */
static void call(const char *name, int status)
{
    int result = master_notify(1, 2, status);

    vstream_fprintf(VSTREAM_ERR, "# %s: %d\n", name, result);
    vstream_fflush(VSTREAM_ERR);
}

static void become_status_fd(int fd)
{
    if (fd < 0 || (fd != MASTER_STATUS_FD && dup2(fd, MASTER_STATUS_FD) < 0))
        msg_fatal("descriptor 5: %m");
    if (fd != MASTER_STATUS_FD)
        close(fd);
}

static void short_write(int error_before)
{
    char name[] = "/tmp/master_proto.XXXXXX";
    struct rlimit old, small;

    become_status_fd(mkstemp(name));
    unlink(name);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 5;
    /* The standard error stream is a pipe, which has no limit. */
    setrlimit(RLIMIT_FSIZE, &small);
    errno = error_before;
    call("short write", 1);
    call("past the limit", 1);
    setrlimit(RLIMIT_FSIZE, &old);
}

int main(void)
{
    static const int verbose[] = {0, 1, 2, -1};
    int ends[2];
    unsigned i;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    msg_vstream_init("rendered", VSTREAM_ERR);

    for (i = 0; i < sizeof(verbose) / sizeof(verbose[0]); i++) {
        msg_verbose = verbose[i];
        become_status_fd(open("/dev/null", O_WRONLY));
        call("sent", MASTER_STAT_TAKEN);
        close(MASTER_STATUS_FD);
        call("closed", MASTER_STAT_AVAIL);
    }
    msg_verbose = 1;
    become_status_fd(open("/dev/null", O_WRONLY));
    call("sent", MASTER_STAT_AVAIL);
    call("sent", INT_MIN);
    call("sent", INT_MAX);
    become_status_fd(open("/dev/full", O_WRONLY));
    call("full device", -1);
    close(MASTER_STATUS_FD);
    if (pipe(ends) < 0)
        msg_fatal("pipe: %m");
    become_status_fd(ends[1]);
    close(ends[0]);
    call("reader gone", MASTER_STAT_AVAIL);
    short_write(0);
    short_write(ERANGE);
    return 0;
}
