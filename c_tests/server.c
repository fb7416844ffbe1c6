/*
 * The other end: Postfix's own master_status.c reads what master_notify sends.
 * Prints what master(8) logs and does about it. Linked with libpostfix-util.
 */
#include <sys_defs.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <binhash.h>
#include <events.h>
#include <msg.h>
#include <msg_vstream.h>
#include <vstream.h>

/* Postfix's master.h, and the header of the implementation. */
#include <master.h>
#include <master_proto.h>

BINHASH *master_child_table;

static void note(const char *what, MASTER_PROC *proc)
{
    vstream_fprintf(VSTREAM_ERR, "# child %d %s\n", proc->pid, what);
    vstream_fflush(VSTREAM_ERR);
}

void master_avail_more(MASTER_SERV *serv, MASTER_PROC *proc)
{
    (void) serv;
    proc->avail = MASTER_STAT_AVAIL;
    note("is available", proc);
}

void master_avail_less(MASTER_SERV *serv, MASTER_PROC *proc)
{
    (void) serv;
    proc->avail = MASTER_STAT_TAKEN;
    note("is taken", proc);
}

static void send(int pid, unsigned generation, int status)
{
    vstream_fprintf(VSTREAM_ERR, "# notify(%d, %u, %d) = %d\n", pid, generation, status,
                    master_notify(pid, generation, status));
    vstream_fflush(VSTREAM_ERR);
    event_loop(0);
}

int main(void)
{
    MASTER_SERV service;
    MASTER_PROC child;
    int pid = 100;
    int part = 100;

    msg_vstream_init("server", VSTREAM_ERR);
    /* Takes the number, which the event loop would use otherwise. */
    if (dup2(STDERR_FILENO, MASTER_STATUS_FD) != MASTER_STATUS_FD)
        msg_fatal("dup2: %m");
    memset(&service, 0, sizeof(service));
    memset(&child, 0, sizeof(child));
    service.ext_name = service.name = (char *) "service";
    service.status_fd[0] = service.status_fd[1] = -1;
    child.pid = pid;
    child.gen = 7;
    child.serv = &service;
    child.avail = MASTER_STAT_AVAIL;
    master_child_table = binhash_create(1);
    binhash_enter(master_child_table, (char *) &pid, sizeof(pid), (void *) &child);
    master_status_init(&service);
    if (dup2(service.status_fd[1], MASTER_STATUS_FD) != MASTER_STATUS_FD)
        msg_fatal("dup2: %m");

    send(100, 7, MASTER_STAT_TAKEN);
    send(100, 7, MASTER_STAT_TAKEN);
    send(100, 7, MASTER_STAT_AVAIL);
    send(100, 8, MASTER_STAT_TAKEN);
    send(101, 7, MASTER_STAT_TAKEN);
    send(100, 7, 2);
    /* What a short write would leave, and that the next message is understood. */
    if (write(MASTER_STATUS_FD, &part, sizeof(part)) != sizeof(part))
        msg_fatal("write: %m");
    event_loop(0);
    send(100, 7, MASTER_STAT_TAKEN);
    return 0;
}
