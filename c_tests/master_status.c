/*
 * Postfix's own master_status.c reads the messages of master_notify(). Prints
 * what master(8) logs and does about each. Linked with libpostfix-util.
 */
#include <sys_defs.h>

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <binhash.h>
#include <events.h>
#include <msg.h>
#include <msg_vstream.h>
#include <vstream.h>

/* Postfix's master.h, and the header that comes with the implementation. */
#include <master.h>
#include <master_proto.h>

BINHASH *master_child_table;

static void note(MASTER_PROC *child, int status)
{
    child->avail = status;
    dprintf(STDERR_FILENO, "# child %d is %s\n", child->pid,
            status == MASTER_STAT_AVAIL ? "available" : "taken");
}

void master_avail_more(MASTER_SERV *service, MASTER_PROC *child)
{
    (void) service;
    note(child, MASTER_STAT_AVAIL);
}

void master_avail_less(MASTER_SERV *service, MASTER_PROC *child)
{
    (void) service;
    note(child, MASTER_STAT_TAKEN);
}

static void add_child(MASTER_PROC *child, int pid, MASTER_SERV *service)
{
    child->pid = pid;
    child->gen = 7;
    child->serv = service;
    child->avail = MASTER_STAT_AVAIL;
    binhash_enter(master_child_table, (char *) &child->pid, sizeof(child->pid), (void *) child);
}

static void send(int pid, unsigned generation, int status)
{
    dprintf(STDERR_FILENO, "# notify(%d, %u, %d) = %d\n", pid, generation, status,
            master_notify(pid, generation, status));
    event_loop(0);
}

/* Runs in a child process, which must panic. Cuts off the addresses that it logs: they vary. */
static void send_for_another_service(int pid, unsigned generation)
{
    const struct rlimit no_core = {0, 0};
    char text[200] = "";
    int fds[2];
    int status;
    pid_t server;

    if (pipe(fds) < 0 || (server = fork()) < 0)
        msg_fatal("pipe or fork: %m");
    if (server == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(fds[1], STDERR_FILENO);
        master_notify(pid, generation, MASTER_STAT_TAKEN);
        event_loop(0);
        _exit(0);
    }
    close(fds[1]);
    if (read(fds[0], text, sizeof(text) - 1) > 0)
        text[strcspn(text, "0\n")] = 0;
    waitpid(server, &status, 0);
    dprintf(STDERR_FILENO, "%s...\n# for another service's child: signal %d\n", text,
            WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

int main(void)
{
    static MASTER_SERV service, other;
    static MASTER_PROC child, stranger;
    int part = 100;

    msg_vstream_init("master_status", VSTREAM_ERR);
    /* Reserves the descriptor, which the event loop would take. */
    if (dup2(STDERR_FILENO, MASTER_STATUS_FD) != MASTER_STATUS_FD)
        msg_fatal("dup2: %m");
    master_child_table = binhash_create(1);
    add_child(&child, 100, &service);
    add_child(&stranger, 200, &other);
    service.ext_name = service.name = (char *) "service";
    service.status_fd[0] = service.status_fd[1] = -1;
    master_status_init(&service);
    if (dup2(service.status_fd[1], MASTER_STATUS_FD) != MASTER_STATUS_FD)
        msg_fatal("dup2: %m");

    send(100, 7, MASTER_STAT_TAKEN);
    send(100, 7, MASTER_STAT_TAKEN);
    send(100, 7, MASTER_STAT_AVAIL);
    send(100, 8, MASTER_STAT_TAKEN);
    send(101, 7, MASTER_STAT_TAKEN);
    send(100, 7, 2);
    /* A part of a message, as after a short write; master understands the next one. */
    if (write(MASTER_STATUS_FD, &part, sizeof(part)) != sizeof(part))
        msg_fatal("write: %m");
    event_loop(0);
    send(100, 7, MASTER_STAT_TAKEN);
    send_for_another_service(200, 7);
    return 0;
}
