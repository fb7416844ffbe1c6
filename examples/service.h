/*
 * service.h - what child.c and many.c have in common: the start of a service
 * under Postfix's master(8), and accept(2)
 *
 * Include it first. docs/services.md gives the reasons.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* ppoll, initgroups and chroot, whatever C standard is asked for */
#endif
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <master_proto.h>

#define LISTENERS_MAX 100

static unsigned generation;
static int listeners = 1;

static void die(const char *why)
{
    syslog(LOG_ERR, "%s", why);
    exit(1);
}

static void fail(const char *what)
{
    syslog(LOG_ERR, "%s: %s", what, strerror(errno));
    exit(1);
}

static unsigned long number(const char *text, int base, unsigned long most, const char *why)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, base);
    if (errno != 0 || end == text || *end != '\0' || value > most)
        die(why);
    return value;
}

/* In a process that master(8) did not start, 5 may be any open file. */
static void check_descriptor(int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode)))
        return;
    syslog(LOG_ERR, "descriptor %d is no socket or pipe: only master(8) starts this program", fd);
    exit(1);
}

/* master(8) starts every service as root, in the queue directory. */
static void drop_privileges(const char *user, int chrooted)
{
    struct passwd *entry = getpwnam(user);

    if (entry == NULL || entry->pw_uid == 0) {
        syslog(LOG_ERR, "user %s is unknown, or is root: name another in master.cf", user);
        exit(1);
    }
    if (initgroups(user, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0)
        fail("set the groups");
    if (chrooted && chroot(".") != 0)
        fail("chroot to the queue directory");
    if (setuid(entry->pw_uid) != 0)
        fail("set the user");
}

/* Checks what master(8) hands to a child; the one argument in master.cf is the user. */
static void start(int argc, char **argv)
{
    const char *transport = "";
    const char *text = getenv(MASTER_GEN_NAME);
    int option, i, chrooted = 0;

    /* Open it now: after chroot(2), /dev/log is out of reach. LOG_PERROR is for runs by hand. */
    openlog(argv[0], LOG_PID | LOG_NDELAY | LOG_PERROR, LOG_MAIL);
    if (text == NULL)
        die(MASTER_GEN_NAME " is not in the environment: only master(8) starts this program");
    generation = (unsigned)number(text, 8, UINT_MAX, MASTER_GEN_NAME " is not an octal number");

    opterr = 0;
    while ((option = getopt(argc, argv, "cdln:o:s:t:uvz")) != -1) {
        switch (option) {
        case 'c':
            chrooted = 1;
            break;
        case 's':
            listeners = (int)number(optarg, 10, LISTENERS_MAX, "-s is not a number of listeners");
            break;
        case 't':
            transport = optarg;
            break;
        case '?':
            die("an option that master(8) does not give");
        }
    }
    if (strcmp(transport, MASTER_XPORT_NAME_INET) != 0 && strcmp(transport, MASTER_XPORT_NAME_UNIX) != 0)
        die("this service is of type inet or unix");
    if (listeners == 0 || optind != argc - 1)
        die("in master.cf the command takes one argument, the user to become");

    check_descriptor(MASTER_STATUS_FD);
    for (i = 0; i < listeners; i++)
        check_descriptor(MASTER_LISTEN_FD + i);
    drop_privileges(argv[optind], chrooted);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error, not the end */
}

static int notify(int status)
{
    return master_notify((int)getpid(), generation, status);
}

/* Returns -1 if there is no client after all. */
static int accept_client(int listener)
{
    int client = accept(listener, NULL, NULL);

    if (client >= 0)
        return client;
    switch (errno) {
    case EAGAIN: /* all idle children were woken, and another one was faster */
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
    case EINTR:
    /* The client has gone, or Linux reports an error of its network. */
    case ECONNABORTED:
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENOBUFS:
    case ENOTCONN:
    case EPROTO:
        break;
    default: /* The next process would fare no better, so go on; but slowly. */
        syslog(LOG_ERR, "accept: %s", strerror(errno));
        sleep(1);
    }
    return -1;
}
