/*
 * The limit: a call that sends twelve bytes and does nothing else. No
 * master_notify can be quicker.
 */
#include <unistd.h>

int master_notify(int pid, unsigned generation, int status);

int master_notify(int pid, unsigned generation, int status)
{
    static const char message[12];

    (void) pid;
    (void) generation;
    (void) status;
    return (int) write(5, message, sizeof(message));
}
