/*
 * Many senders on one pipe with one reader, as the children of a busy service:
 *
 *   contention PAIRS MESSAGES MAXIMUM
 *
 * For 1, 2, 4, ... MAXIMUM processes that send MESSAGES in all, by turns with
 * our code and with C. The reader checks that each message is whole. Prints
 * CSV: group, case, pair, messages a second with ours, messages a second with C.
 */
#include "pairs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <master_proto.h>

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* A sender starts when the starting pipe closes. */
static void start_sender(notify_function *function, int number, int messages, const int start[2],
                         const int status[2])
{
    char byte;
    int i;

    switch (fork()) {
    case -1:
        fail("fork");
        return;
    case 0:
        close(start[1]);
        close(status[0]);
        if (dup2(status[1], MASTER_STATUS_FD) != MASTER_STATUS_FD || read(start[0], &byte, 1) != 0)
            _exit(1);
        for (i = 0; i < messages; i++)
            if (function(number, (unsigned) i, i & 1) != 0)
                _exit(1);
        _exit(0);
    }
}

/* Reads to the end. Each sender's messages must arrive whole and in order. */
static void read_all(int fd, int senders, int messages)
{
    static MASTER_STATUS buffer[4096];
    int *expected = calloc((size_t) senders, sizeof(*expected));
    size_t have = 0;
    ssize_t got;
    size_t i;
    int n;

    if (expected == NULL)
        fail("calloc");
    while ((got = read(fd, (char *) buffer + have, sizeof(buffer) - have)) > 0) {
        have += (size_t) got;
        for (i = 0; i < have / sizeof(buffer[0]); i++) {
            n = buffer[i].pid;
            if (n < 0 || n >= senders || buffer[i].gen != (unsigned) expected[n] ||
                buffer[i].avail != (expected[n] & 1)) {
                fprintf(stderr, "contention: a message is damaged or out of order\n");
                exit(1);
            }
            expected[n]++;
        }
        have %= sizeof(buffer[0]);
        memmove(buffer, buffer + i, have);
    }
    for (n = 0; n < senders; n++)
        if (expected[n] != messages) {
            fprintf(stderr, "contention: %d of %d messages came from a sender\n", expected[n], messages);
            exit(1);
        }
    free(expected);
}

static double messages_a_second(notify_function *function, int senders, int messages)
{
    int start[2], status[2];
    double begin, end;
    int i, child;

    if (pipe(start) == -1 || pipe(status) == -1)
        fail("pipe");
    for (i = 0; i < senders; i++)
        start_sender(function, i, messages / senders, start, status);
    close(start[0]);
    close(status[1]);
    begin = seconds();
    close(start[1]);
    read_all(status[0], senders, messages / senders);
    end = seconds();
    close(status[0]);
    while (wait(&child) > 0)
        if (child != 0) {
            fprintf(stderr, "contention: a sender failed\n");
            exit(1);
        }
    return messages / senders * senders / (end - begin);
}

int main(int argc, char **argv)
{
    int pairs = argc == 4 ? atoi(argv[1]) : 0;
    int messages = argc == 4 ? atoi(argv[2]) : 0;
    int maximum = argc == 4 ? atoi(argv[3]) : 0;
    int senders, i;

    if (pairs <= 0 || maximum <= 0 || messages < maximum) {
        fprintf(stderr, "usage: contention PAIRS MESSAGES MAXIMUM\n");
        return 2;
    }
    /* The pipes must not take the number that the senders give to theirs. */
    while ((i = dup(STDERR_FILENO)) < 10)
        if (i == -1)
            fail("dup");
    signal(SIGPIPE, SIG_IGN);
    for (senders = 1; senders <= maximum; senders *= 2)
        for (i = 0; i < pairs; i++) {
            double c = i % 2 ? messages_a_second(c_notify, senders, messages) : 0;
            double ours = messages_a_second(ours_notify, senders, messages);

            if (i % 2 == 0)
                c = messages_a_second(c_notify, senders, messages);
            printf("senders,%d,%d,%.0f,%.0f\n", senders, i, ours, c);
            fflush(stdout);
        }
    return 0;
}
