/*
 * child - a service of one's own under Postfix's master(8)
 *
 * Sends each client back what it says, one client at a time. It needs
 * libmaster_proto and no library of Postfix. In master.cf:
 *
 *   127.0.0.1:10026 inet n - n - 10 child nobody
 *
 * The executable goes into daemon_directory; "nobody" is the user to become.
 *
 *   cc child.c -o child $(pkg-config --cflags --libs master_proto)
 */
#define _DEFAULT_SOURCE /* initgroups and chroot, whatever the C standard asked for */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <syslog.h>
#include <unistd.h>

#include <master_proto.h>

#define IDLE_SECONDS 100   /* without a client, as Postfix's max_idle */
#define CLIENT_SECONDS 300 /* a client that says nothing */
#define LISTENERS_MAX 100

static unsigned generation;

static void fail(const char *what)
{
    /* Only the log: master(8) leaves no useful standard error. */
    syslog(LOG_ERR, "%s: %s", what, strerror(errno));
    exit(1);
}

static void refuse(const char *why)
{
    syslog(LOG_ERR, "%s", why);
    fprintf(stderr, "child: %s\n", why);
    exit(1);
}

static unsigned long number(const char *text, int base, unsigned long most, const char *why)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, base);
    if (errno != 0 || end == text || *end != '\0' || value > most)
        refuse(why);
    return value;
}

/* master(8) starts every service as root, in the queue directory. */
static void drop_privileges(const char *user, int chrooted)
{
    struct passwd *entry;

    errno = 0;
    entry = getpwnam(user);
    if (entry == NULL || entry->pw_uid == 0)
        refuse("the user to become is unknown, or is root");
    if (initgroups(user, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0)
        fail("set the groups");
    if (chrooted && chroot(".") != 0)
        fail("chroot to the queue directory");
    if (setuid(entry->pw_uid) != 0)
        fail("set the user");
}

static int notify(int status)
{
    return master_notify((int)getpid(), generation, status);
}

static void serve(int client)
{
    struct timeval patience = {CLIENT_SECONDS, 0};
    char buffer[4096];
    ssize_t length, sent, done;

    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    while ((length = read(client, buffer, sizeof buffer)) > 0)
        for (done = 0; done < length; done += sent)
            if ((sent = write(client, buffer + done, (size_t)(length - done))) < 0)
                return;
}

/* Why accept(2) may fail on a listener that is all right. */
static int is_harmless(int error)
{
    switch (error) {
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
        return 1;
    default:
        return 0;
    }
}

/* Returns when there is no more to do: then the process must end. */
static void serve_clients(struct pollfd *fds, nfds_t listeners)
{
    nfds_t i;
    int client, ready;

    for (;;) {
        ready = poll(fds, listeners + 1, IDLE_SECONDS * 1000);
        if (ready < 0 && errno != EINTR)
            fail("poll");
        if (ready == 0)
            return;
        if (ready < 0)
            continue;
        /* master(8) never writes to it; so it has closed its end. */
        if (fds[listeners].revents != 0)
            return;
        for (i = 0; i < listeners; i++) {
            if (fds[i].revents == 0)
                continue;
            client = accept(fds[i].fd, NULL, NULL);
            if (client < 0) {
                if (is_harmless(errno))
                    continue;
                fail("accept");
            }
            /* Some systems hand O_NONBLOCK on to the accepted socket. */
            fcntl(client, F_SETFL, fcntl(client, F_GETFL) & ~O_NONBLOCK);

            /* If it fails, master(8) reloads; this client is still ours. */
            notify(MASTER_STAT_TAKEN);
            serve(client);
            close(client);
            if (notify(MASTER_STAT_AVAIL) < 0)
                return;
        }
    }
}

int main(int argc, char **argv)
{
    struct pollfd fds[LISTENERS_MAX + 1];
    nfds_t listeners = 1, i;
    const char *transport = "";
    const char *text = getenv(MASTER_GEN_NAME);
    int option, chrooted = 0;

    /* Now, since /dev/log is out of reach after chroot(2). */
    openlog("postfix/child", LOG_PID | LOG_NDELAY, LOG_MAIL);
    if (text == NULL)
        refuse("GENERATION is not in the environment: only master(8) starts this program");
    generation = (unsigned)number(text, 8, UINT_MAX, MASTER_GEN_NAME " is not an octal number");

    /* What master(8) gives to all of its children; most does not matter here. */
    while ((option = getopt(argc, argv, "cdln:o:s:t:uvz")) != -1) {
        switch (option) {
        case 'c':
            chrooted = 1;
            break;
        case 's':
            listeners = (nfds_t)number(optarg, 10, LISTENERS_MAX, "-s is not a number of listeners");
            break;
        case 't':
            transport = optarg;
            break;
        case '?':
            refuse("an option that master(8) does not give");
        }
    }
    if (strcmp(transport, MASTER_XPORT_NAME_INET) != 0 && strcmp(transport, MASTER_XPORT_NAME_UNIX) != 0)
        refuse("this service is of type inet or unix");
    if (listeners == 0 || optind != argc - 1)
        refuse("in master.cf the command is: child USER");

    drop_privileges(argv[optind], chrooted);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error, not the end */
    for (i = 0; i < listeners; i++)
        fds[i] = (struct pollfd){MASTER_LISTEN_FD + (int)i, POLLIN, 0};
    fds[listeners] = (struct pollfd){MASTER_STATUS_FD, POLLIN, 0};
    serve_clients(fds, listeners);
    return 0;
}
