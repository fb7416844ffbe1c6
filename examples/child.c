/*
 * child - a service under Postfix's master(8), one client at a time
 *
 * Sends each client back what it says: put your own protocol into serve(). In
 * master.cf, with the user to become as the argument:
 *
 *   127.0.0.1:10026 inet n - n - 10 child nobody
 *
 * The executable goes into daemon_directory. It needs libmaster_proto, and no
 * library of Postfix:
 *
 *   cc child.c -o child $(pkg-config --cflags --libs master_proto)
 *
 * SIGTERM ends this process at once, with its client, as it ends Postfix's own
 * servers; many.c loses none.
 */
#include "service.h"
#include <sys/time.h>

#define MAX_IDLE 100       /* seconds without a client, as Postfix's max_idle */
#define MAX_USE 100        /* clients, as Postfix's max_use */
#define CLIENT_SECONDS 300 /* for a client to say or take something */

static void serve(int client)
{
    struct timeval patience = {CLIENT_SECONDS, 0};
    char buffer[4096];
    ssize_t length, sent, done;

    /* Some systems hand O_NONBLOCK on from the listener. */
    fcntl(client, F_SETFL, fcntl(client, F_GETFL) & ~O_NONBLOCK);
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    while ((length = read(client, buffer, sizeof buffer)) > 0)
        for (done = 0; done < length; done += sent)
            if ((sent = write(client, buffer + done, (size_t)(length - done))) < 0)
                return;
}

/* Returns when there is no more to do: then the process must end. */
static void serve_clients(void)
{
    struct pollfd fds[1 + LISTENERS_MAX];
    int client, i, ready, served = 0;

    for (i = 0; i <= listeners; i++) {
        fds[i].fd = MASTER_STATUS_FD + i; /* the listeners follow it */
        fds[i].events = POLLIN;
    }
    while (served < MAX_USE) {
        ready = poll(fds, (nfds_t)(1 + listeners), MAX_IDLE * 1000);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0)
            fail("poll");
        /* master(8) never writes to this descriptor: an event means that it has closed its end. */
        if (ready == 0 || fds[0].revents != 0)
            return;
        for (i = 1; i <= listeners; i++) {
            if (fds[i].revents == 0 || (client = accept_client(fds[i].fd)) < 0)
                continue;
            /* If it fails, master(8) has reloaded; this client is still ours. */
            notify(MASTER_STAT_TAKEN);
            serve(client);
            close(client);
            served++;
            if (notify(MASTER_STAT_AVAIL) < 0)
                return;
        }
    }
}

int main(int argc, char **argv)
{
    start(argc, argv);
    serve_clients();
    return 0;
}
