/*
 * A service that does what its argument says, one letter after the other:
 * T and A notify, w waits until master has read that, 0 and 1 exit with this status,
 * K is killed, S shuts the status descriptor down, c accepts a client and greets it
 * with the process ID. A line of the file "starts" tells of each start.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <master_proto.h>

int main(int argc, char **argv)
{
    unsigned generation = (unsigned)strtoul(getenv(MASTER_GEN_NAME), NULL, 8);
    struct pollfd listener = {MASTER_LISTEN_FD, POLLIN, 0};
    const char *step;
    FILE *starts = fopen("starts", "a");
    int client, unread;

    fputs("start\n", starts);
    fclose(starts);
    for (step = argv[argc - 1]; *step != '\0'; step++) {
        if (strchr("TA", *step) != NULL)
            master_notify((int)getpid(), generation, *step == 'A');
        if (*step == 'w')
            while (ioctl(MASTER_STATUS_FD, TIOCOUTQ, &unread) == 0 && unread > 0)
                usleep(1000);
        if (strchr("01", *step) != NULL)
            _exit(*step == '1');
        if (*step == 'K')
            raise(SIGKILL);
        if (*step == 'S')
            shutdown(MASTER_STATUS_FD, SHUT_WR);
        if (*step == 'c') {
            poll(&listener, 1, -1);
            client = accept(MASTER_LISTEN_FD, NULL, NULL);
            dprintf(client, "%d\n", (int)getpid());
            close(client);
        }
    }
    for (;;)
        pause();
}
