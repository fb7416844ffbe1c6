/*
 * One sender or many, and one pipe: every message arrives whole, each sender's
 * in order, none lost, none twice. MESSAGES in the environment: of each sender.
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
#include <unistd.h>

#define SENDERS 64

static unsigned messages = 20000;

/* The third number says whether the first two belong together. */
static int seal(int sender, unsigned number)
{
    return (int) (number * 2654435761U) ^ (sender << 16) ^ 0x5a5a;
}

/* Sends numbers 0, 1, ... and returns how many were sent. */
static unsigned send_numbers(int sender, unsigned number_of_messages)
{
    unsigned number;

    for (number = 0; number < number_of_messages; number++)
        if (master_notify(sender, number, seal(sender, number)) != 0)
            break;
    return number;
}

/* Each sender's messages so far. */
static unsigned counts[SENDERS];

/*
 * Reads until the last sender is gone. Fails on a message that is torn or out
 * of its place. After each read, `meanwhile` runs.
 */
static void receive(int reader, void (*meanwhile)(void))
{
    static char buffer[sizeof(MASTER_STATUS) * 5000];
    size_t have = 0;
    ssize_t got;

    fcntl(reader, F_SETFL, 0);
    memset(counts, 0, sizeof(counts));
    while ((got = read(reader, buffer + have, sizeof(buffer) - have)) != 0) {
        size_t at = 0;

        if (got < 0 && errno == EINTR)
            continue;
        assert_true(got > 0);
        have += (size_t) got;
        for (; have - at >= sizeof(MASTER_STATUS); at += sizeof(MASTER_STATUS)) {
            MASTER_STATUS message;

            memcpy(&message, buffer + at, sizeof(message));
            if (message.pid < 0 || message.pid >= SENDERS ||
                message.avail != seal(message.pid, message.gen))
                fail_msg("a torn message: %d %u %d", message.pid, message.gen, message.avail);
            if (message.gen != counts[message.pid]++)
                fail_msg("sender %d: number %u is out of its place", message.pid, message.gen);
        }
        have -= at;
        memmove(buffer, buffer + at, have);
        meanwhile();
    }
    assert_int_equal(have, 0);
    close(reader);
}

static void nothing(void)
{
}

static pid_t start_sender(int sender, unsigned number_of_messages)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(send_numbers(sender, number_of_messages) != number_of_messages);
    return pid;
}

static void lose_nothing(int senders)
{
    int reader = status_pipe();
    int i, status;

    for (i = 0; i < senders; i++)
        start_sender(i, messages);
    close_status_fd();
    receive(reader, nothing);
    for (i = 0; i < senders; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
        assert_int_equal(counts[i], messages);
    }
}

static void one_process_loses_nothing(void **state)
{
    (void) state;
    lose_nothing(1);
}

static void many_processes_lose_nothing(void **state)
{
    (void) state;
    lose_nothing(SENDERS);
}

static pid_t victims[SENDERS];
static int alive;

/* Kills one at random, after every fourth read or so. */
static void kill_one(void)
{
    if (alive > 0 && rand() % 4 == 0) {
        int i = rand() % alive;

        kill(victims[i], SIGKILL);
        victims[i] = victims[--alive];
    }
}

static void killed_processes_leave_no_torn_message(void **state)
{
    int reader = status_pipe();
    int status;

    (void) state;
    for (alive = 0; alive < SENDERS; alive++)
        victims[alive] = start_sender(alive, UINT32_MAX);
    close_status_fd();
    receive(reader, kill_one);
    while (wait(&status) > 0)
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void *send_in_thread(void *sender)
{
    return send_numbers(*(int *) sender, messages) == messages ? sender : NULL;
}

/* Returns how many of them have sent all. */
static void *send_in_threads(void *finished)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    int senders[THREADS];
    void *result;
    int i;

    for (i = 0; i < THREADS; i++) {
        senders[i] = i;
        if (pthread_create(&threads[i], NULL, send_in_thread, &senders[i]) != 0)
            abort();
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        *(int *) finished += result != NULL;
    }
    /* The end of the pipe, for the reader. */
    close_status_fd();
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    int reader = status_pipe();
    int finished = 0;
    pthread_t manager;
    int i;

    (void) state;
    assert_int_equal(pthread_create(&manager, NULL, send_in_threads, &finished), 0);
    receive(reader, nothing);
    pthread_join(manager, NULL);
    assert_int_equal(finished, 8);
    for (i = 0; i < finished; i++)
        assert_int_equal(counts[i], messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_loses_nothing),
        cmocka_unit_test(many_processes_lose_nothing),
        cmocka_unit_test(killed_processes_leave_no_torn_message),
        cmocka_unit_test(threads_lose_nothing),
    };
    const char *wanted = getenv("MESSAGES");

    if (wanted != NULL)
        messages = (unsigned) strtoul(wanted, NULL, 10);
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
