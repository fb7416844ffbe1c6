/*
 * many - a service under Postfix's master(8), several clients in each process
 *
 * Sends each client back what it says: put your own protocol into serve(). A
 * reload, MAX_USE and SIGTERM lose no client: see drain(). In master.cf, with
 * the user to become as the argument:
 *
 *   127.0.0.1:10026 inet n - n - 10 many nobody
 *
 * The executable goes into daemon_directory. It needs libmaster_proto, and no
 * library of Postfix:
 *
 *   cc many.c -o many $(pkg-config --cflags --libs master_proto)
 */
#include "service.h"
#include <time.h>

#define MAX_IDLE 100       /* seconds without a client, as Postfix's max_idle */
#define MAX_USE 1000       /* clients, as Postfix's max_use */
#define CLIENT_SECONDS 300 /* for a client to say or take something */
#define CLIENTS_MAX 100    /* in one process at the same time */

struct client {
    time_t deadline;
    size_t length, sent; /* of the buffer */
    char buffer[4096];
};

static struct client clients[CLIENTS_MAX];
static int count, accepted;

/* What poll watches: the status descriptor, the listeners, and then the clients. */
static struct pollfd fds[1 + LISTENERS_MAX + CLIENTS_MAX];
static struct pollfd *client_fds; /* client_fds[i] belongs to clients[i] */

static int draining; /* no more clients are accepted, and master(8) is told nothing */
static volatile sig_atomic_t terminated;

static time_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

/*
 * master(8) counts a process until it exits, and may not start another in its
 * place before that. So exit now, and let a copy, of which master knows
 * nothing, serve the clients that are left. SIGTERM does not end a copy.
 */
static void drain(void)
{
    int i;

    if (count == 0)
        exit(0);
    switch (fork()) {
    case -1: /* The clients are still served; new ones wait until the last has gone. */
        syslog(LOG_WARNING, "fork: %s", strerror(errno));
        break;
    case 0:
        break;
    default:
        _exit(0);
    }
    draining = 1;
    for (i = 0; i <= listeners; i++) {
        close(fds[i].fd);
        fds[i].fd = -1; /* which poll passes over */
    }
}

static void tell(int status)
{
    if (!draining && notify(status) < 0)
        drain(); /* master(8) has reloaded */
}

static void add_client(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    client_fds[count].fd = fd;
    clients[count].deadline = now() + CLIENT_SECONDS;
    clients[count].length = clients[count].sent = 0;
    count++;
    accepted++;
    /* Always: until it has sent TAKEN and then AVAIL, master(8) thinks that it has never served. */
    tell(MASTER_STAT_TAKEN);
    if (count < CLIENTS_MAX)
        tell(MASTER_STAT_AVAIL);
}

static void remove_client(int i)
{
    close(client_fds[i].fd);
    count--;
    client_fds[i] = client_fds[count];
    clients[i] = clients[count];
    if (count == CLIENTS_MAX - 1)
        tell(MASTER_STAT_AVAIL);
}

/* Takes from the client what it says, or gives it back. Returns 0 when the client has gone. */
static int serve(int fd, struct client *client)
{
    ssize_t done;

    if (client->sent == client->length) {
        client->length = client->sent = 0;
        done = read(fd, client->buffer, sizeof client->buffer);
        if (done > 0)
            client->length = (size_t)done;
    } else {
        done = write(fd, client->buffer + client->sent, client->length - client->sent);
        if (done > 0)
            client->sent += (size_t)done;
    }
    client->deadline = now() + CLIENT_SECONDS;
    return done > 0 || (done < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Waits for MAX_IDLE without a client, otherwise until the first deadline. */
static int wait_for_events(const sigset_t *mask)
{
    struct timespec timeout = {MAX_IDLE, 0};
    time_t time = now(), left;
    int i;

    for (i = 1; i <= listeners; i++)
        fds[i].events = count < CLIENTS_MAX ? POLLIN : 0;
    for (i = 0; i < count; i++) {
        client_fds[i].events = clients[i].sent < clients[i].length ? POLLOUT : POLLIN;
        left = clients[i].deadline > time ? clients[i].deadline - time : 0;
        if (i == 0 || left < timeout.tv_sec)
            timeout.tv_sec = left;
    }
    return ppoll(fds, (nfds_t)(1 + listeners + count), &timeout, mask);
}

/* Returns when there is no more to do: then the process must end. */
static void serve_clients(const sigset_t *mask)
{
    int client, i, ready;

    while (!draining || count > 0) {
        ready = wait_for_events(mask);
        if (ready < 0 && errno != EINTR)
            fail("ppoll");
        if (ready == 0 && count == 0)
            return;
        /* master(8) never writes to this descriptor: an event means that it has closed its end. */
        if (!draining && (terminated || accepted >= MAX_USE || (ready > 0 && fds[0].revents != 0)))
            drain();
        if (ready < 0)
            continue;
        /* Backwards, since the last client takes the place of one that goes. */
        for (i = count - 1; i >= 0; i--)
            if (client_fds[i].revents != 0 ? !serve(client_fds[i].fd, &clients[i])
                                           : clients[i].deadline <= now())
                remove_client(i);
        for (i = 1; i <= listeners && !draining; i++)
            if (fds[i].revents != 0 && count < CLIENTS_MAX
                && (client = accept_client(fds[i].fd)) >= 0)
                add_client(client);
    }
}

static void on_sigterm(int signal_number)
{
    (void)signal_number;
    terminated = 1;
}

int main(int argc, char **argv)
{
    sigset_t sigterm, mask;
    int i;

    start(argc, argv);
    for (i = 0; i <= listeners; i++) {
        fds[i].fd = MASTER_STATUS_FD + i; /* the listeners follow it */
        fds[i].events = POLLIN;
    }
    client_fds = fds + 1 + listeners;

    /* SIGTERM comes only inside ppoll, so that none is missed just before it. */
    sigemptyset(&sigterm);
    sigaddset(&sigterm, SIGTERM);
    sigprocmask(SIG_BLOCK, &sigterm, &mask);
    signal(SIGTERM, on_sigterm);
    serve_clients(&mask);
    return 0;
}
