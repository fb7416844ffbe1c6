/* Prints the log lines as they appear in the log, by msg_info() of Postfix's libpostfix-util. */
#include <sys_defs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <msg.h>
#include <msg_vstream.h>
#include <vstream.h>

#include <master_proto.h>

/* Prints the state of descriptor 5 and the result, after what the call logs. */
static void call(const char *name, int status)
{
    dprintf(STDERR_FILENO, "# %s: %d\n", name, master_notify(1, 2, status));
}

static void become_status_fd(int fd)
{
    if (dup2(fd, MASTER_STATUS_FD) < 0)
        msg_fatal("descriptor 5: %m");
}

int main(void)
{
    static const int verbose[] = {0, 1, 2, -1};
    static const int errors_before[] = {0, ERANGE};
    char name[] = "./master_proto.XXXXXX";
    struct rlimit limit;
    int ends[2];
    unsigned i;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    msg_vstream_init("log_lines", VSTREAM_ERR);

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
    if (pipe(ends) < 0)
        msg_fatal("pipe: %m");
    become_status_fd(ends[1]);
    close(ends[0]);
    call("reader gone", MASTER_STAT_AVAIL);

    /* The limit spares standard error, which is a pipe. */
    become_status_fd(mkstemp(name));
    unlink(name);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 5;
    setrlimit(RLIMIT_FSIZE, &limit);
    for (i = 0; i < sizeof(errors_before) / sizeof(errors_before[0]); i++) {
        if (ftruncate(MASTER_STATUS_FD, 0) < 0 || lseek(MASTER_STATUS_FD, 0, SEEK_SET) < 0)
            msg_fatal("%s: %m", name);
        errno = errors_before[i];
        call("short write", 1);
        call("past the limit", 1);
    }
    return 0;
}
