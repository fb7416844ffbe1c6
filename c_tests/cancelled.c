/*
 * A thread is cancelled in a blocked call. Compiled with -fexceptions, its
 * clean-up handler runs only if the call can be unwound.
 */
#include <fcntl.h>
#include <master_proto.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

static int cleaned;

static void clean(void *unused)
{
    (void) unused;
    cleaned = 1;
}

static void *blocked(void *unused)
{
    pthread_cleanup_push(clean, NULL);
    master_notify(1, 2, 3);
    pthread_cleanup_pop(0);
    return unused;
}

int main(void)
{
    int ends[2];
    pthread_t thread;
    void *result;

    if (pipe(ends) || dup2(ends[1], 5) != 5 || fcntl(5, F_SETFL, O_NONBLOCK))
        return 2;
    while (master_notify(1, 2, 3) == 0)
        ;
    if (fcntl(5, F_SETFL, 0) || pthread_create(&thread, NULL, blocked, NULL))
        return 2;
    if (pthread_cancel(thread) || pthread_join(thread, &result))
        return 2;
    return result == PTHREAD_CANCELED && cleaned ? 0 : 1;
}
