/*
 * Many senders share one pipe: every message arrives whole and once, and each
 * sender's messages stay in order.
 */
#include "status.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

enum { PROCESSES = 64, THREADS = 8, MESSAGES = 10000 };

/* The third number shows whether the first two belong together. */
static int seal(int sender, unsigned number)
{
    return (int) (number * 2654435761U) ^ (sender << 16) ^ 0x5a5a;
}

/* Sends the numbers 0, 1, ... and returns whether one failed. */
static int send_numbers(int sender, unsigned count)
{
    unsigned number;

    for (number = 0; number < count; number++)
        if (master_notify(sender, number, seal(sender, number)) != 0)
            return 1;
    return 0;
}

/* A child process inherits these values. */
static int sender;
static int reader = -1;

/* A sender closes its own reading end, so that it ends when the receiver does. */
static int send_all(void)
{
    close(reader);
    return send_numbers(sender, MESSAGES);
}

static int send_for_ever(void)
{
    close(reader);
    return send_numbers(sender, UINT32_MAX);
}

/* The senders to kill. */
static pid_t victims[PROCESSES];
static int alive;

/* Kills one at random, after about every fourth read. */
static void kill_one(void)
{
    if (alive > 0 && rand() % 4 == 0) {
        int i = rand() % alive;

        kill(victims[i], SIGKILL);
        victims[i] = victims[--alive];
    }
}

/* How many messages of each sender have arrived. */
static unsigned counts[PROCESSES];

/* Closes the old pipe, which ends any sender that a failed test has left. */
static void new_pipe(void)
{
    close(reader);
    reader = status_pipe();
}

/*
 * Reads until the last sender is gone. Fails on a message that is torn or out of
 * order. If every write is atomic, each read returns whole messages.
 */
static void receive(void)
{
    static MASTER_STATUS messages[5000];
    const MASTER_STATUS *message;
    ssize_t got;

    close(MASTER_STATUS_FD);
    fcntl(reader, F_SETFL, 0);
    memset(counts, 0, sizeof(counts));
    while ((got = read(reader, messages, sizeof(messages))) != 0) {
        assert_true(got > 0 && (size_t) got % sizeof(messages[0]) == 0);
        for (message = messages; message < messages + (size_t) got / sizeof(messages[0]); message++) {
            if (message->pid < 0 || message->pid >= PROCESSES ||
                message->avail != seal(message->pid, message->gen))
                fail_msg("a torn message: %d %u %d", message->pid, message->gen, message->avail);
            if (message->gen != counts[message->pid]++)
                fail_msg("sender %d: message %u is out of order", message->pid, message->gen);
        }
        kill_one();
    }
}

static void lose_nothing(int senders)
{
    int i, status;

    new_pipe();
    for (sender = 0; sender < senders; sender++)
        start(send_all);
    receive();
    for (i = 0; i < senders; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
        assert_int_equal(counts[i], MESSAGES);
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
    lose_nothing(PROCESSES);
}

static void killed_processes_leave_no_torn_message(void **state)
{
    int status;

    (void) state;
    new_pipe();
    for (sender = 0; sender < PROCESSES; sender++)
        victims[sender] = start(send_for_ever);
    alive = PROCESSES;
    receive();
    while (wait(&status) > 0)
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void *send_in_thread(void *number)
{
    return send_numbers(*(int *) number, MESSAGES) == 0 ? number : NULL;
}

static int send_in_threads(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    int failed = 0;
    void *result;
    int i;

    close(reader);
    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        if (pthread_create(&threads[i], NULL, send_in_thread, &numbers[i]) != 0)
            abort();
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        failed += result == NULL;
    }
    return failed;
}

static void threads_lose_nothing(void **state)
{
    int i, status;

    (void) state;
    new_pipe();
    start(send_in_threads);
    receive();
    assert_true(wait(&status) > 0);
    assert_int_equal(status, 0);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(counts[i], MESSAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_loses_nothing),
        cmocka_unit_test(many_processes_lose_nothing),
        cmocka_unit_test(killed_processes_leave_no_torn_message),
        cmocka_unit_test(threads_lose_nothing),
    };

    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
