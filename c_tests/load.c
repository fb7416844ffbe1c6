/*
 * Many processes, or threads, and one pipe: every message arrives whole, each
 * sender's in order, none lost, none twice.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES 64
#define THREADS 8

/* The third number says whether the first two belong together. */
static int seal(int sender, unsigned number)
{
    return (int) (number * 2654435761U) ^ (sender << 16) ^ 0x5a5a;
}

/* Sends numbers 0, 1, ... and returns how many were sent. */
static unsigned send_numbers(int sender, unsigned messages)
{
    unsigned number;

    for (number = 0; number < messages; number++)
        if (master_notify(sender, number, seal(sender, number)) != 0)
            break;
    return number;
}

/*
 * Reads until the last sender is gone. Counts each sender's messages and fails
 * on one that is torn or out of its place. After each read, `meanwhile` runs.
 */
static void receive(int reader, int senders, unsigned *counts, void (*meanwhile)(void))
{
    static char buffer[12 * 5000];
    size_t have = 0;
    ssize_t got;

    fcntl(reader, F_SETFL, 0);
    memset(counts, 0, (size_t) senders * sizeof(*counts));
    for (;;) {
        size_t at = 0;

        got = read(reader, buffer + have, sizeof(buffer) - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t) got;
        for (; have - at >= sizeof(MASTER_STATUS); at += sizeof(MASTER_STATUS)) {
            MASTER_STATUS message;

            memcpy(&message, buffer + at, sizeof(message));
            if (message.pid < 0 || message.pid >= senders ||
                message.avail != seal(message.pid, message.gen))
                fail_msg("a torn message: %d %u %d", message.pid, message.gen, message.avail);
            if (message.gen != counts[message.pid])
                fail_msg("sender %d: number %u where %u was due", message.pid, message.gen,
                         counts[message.pid]);
            counts[message.pid]++;
        }
        have -= at;
        memmove(buffer, buffer + at, have);
        if (meanwhile != NULL)
            meanwhile();
    }
    assert_int_equal(got, 0);
    assert_int_equal(have, 0);
    close(reader);
}

static unsigned messages_per_sender(void)
{
    return (unsigned) setting("MESSAGES", 20000);
}

static void processes_lose_nothing(void **state)
{
    unsigned counts[PROCESSES];
    unsigned messages = messages_per_sender();
    int reader = status_pipe();
    int i, status;

    (void) state;
    fflush(NULL);
    for (i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
            _exit(send_numbers(i, messages) == messages ? 0 : 1);
    }
    close_status_fd();
    receive(reader, PROCESSES, counts, NULL);
    for (i = 0; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
        assert_int_equal(counts[i], messages);
    }
    observe("%d processes, %u messages each", PROCESSES, messages);
}

static pid_t victims[PROCESSES];
static int alive;
static uint32_t dice;

/* Kills one at random, after every fourth read or so. */
static void kill_one(void)
{
    if (alive > 0 && next_random(&dice) % 4 == 0) {
        int i = (int) (next_random(&dice) % (unsigned) alive);

        kill(victims[i], SIGKILL);
        victims[i] = victims[--alive];
    }
}

static void killed_processes_leave_no_torn_message(void **state)
{
    unsigned counts[PROCESSES];
    int reader = status_pipe();
    int i, status;

    (void) state;
    dice = (uint32_t) setting("SEED", (unsigned long) time(NULL));
    dice = dice ? dice : 1;
    fflush(NULL);
    for (i = 0; i < PROCESSES; i++) {
        victims[i] = fork();
        assert_true(victims[i] >= 0);
        if (victims[i] == 0)
            _exit(send_numbers(i, UINT32_MAX) != 0);
    }
    alive = PROCESSES;
    close_status_fd();
    receive(reader, PROCESSES, counts, kill_one);
    for (i = 0; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
    }
    observe("%d processes killed, no message torn", PROCESSES);
}

static void *send_in_thread(void *number)
{
    int sender = *(int *) number;

    *(int *) number = send_numbers(sender, messages_per_sender()) == messages_per_sender();
    return NULL;
}

static void *send_in_threads(void *numbers)
{
    pthread_t threads[THREADS];
    int *sender = numbers;
    int i;

    for (i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, send_in_thread, &sender[i]) != 0)
            abort();
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    /* The end of the pipe, for the reader. */
    close_status_fd();
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    unsigned counts[THREADS];
    int results[THREADS];
    int reader = status_pipe();
    pthread_t manager;
    int i;

    (void) state;
    for (i = 0; i < THREADS; i++)
        results[i] = i;
    assert_int_equal(pthread_create(&manager, NULL, send_in_threads, results), 0);
    receive(reader, THREADS, counts, NULL);
    pthread_join(manager, NULL);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(results[i], 1);
        assert_int_equal(counts[i], messages_per_sender());
    }
    observe("%d threads, %u messages each", THREADS, messages_per_sender());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_lose_nothing),
        cmocka_unit_test(killed_processes_leave_no_torn_message),
        cmocka_unit_test(threads_lose_nothing),
    };

    print_message("SEED=%lu\n", setting("SEED", 0));
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
