/* SPDX-License-Identifier: IPL-1.0 OR EPL-2.0 */
/*
 * master_proto.h - the status protocol between Postfix's master(8) and its
 * children.
 *
 * Generated from src/lib.rs by cbindgen. Do not edit: change the source, then
 * run `make header`.
 *
 * Source-compatible with Postfix's own master_proto.h. See master_notify(3)
 * and master_proto(7).
 *
 * The Secure Mailer license must be distributed with this software.
 */
#ifndef MASTER_PROTO_H
#define MASTER_PROTO_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Transport names. They are part of the protocol, since master(8) passes them
 * to its children on the command line.
 */
#define MASTER_XPORT_NAME_UNIX "unix" /* UNIX-domain stream socket */
#define MASTER_XPORT_NAME_FIFO "fifo" /* named pipe */
#define MASTER_XPORT_NAME_INET "inet" /* TCP socket */
#define MASTER_XPORT_NAME_PASS "pass" /* UNIX-domain socket that passes descriptors */
#define MASTER_XPORT_NAME_UXDG "unix-dgram" /* UNIX-domain datagram socket */

/*
 * Environment variable: the child's generation, an octal number.
 */
#define MASTER_GEN_NAME "GENERATION"


/**
 * Status: until further notice, this process cannot accept clients.
 */
#define MASTER_STAT_TAKEN 0

/**
 * Status: this process is ready to accept clients.
 */
#define MASTER_STAT_AVAIL 1

/**
 * Descriptor: processes that receive mail read tokens from this pipe.
 */
#define MASTER_FLOW_READ 3

/**
 * Descriptor: the queue manager, which sends mail, writes tokens to this pipe.
 */
#define MASTER_FLOW_WRITE 4

/**
 * Descriptor: the status pipe to master(8), shared by all children of a service.
 */
#define MASTER_STATUS_FD 5

/**
 * Descriptor: the first of the sockets to accept clients on; the others follow it.
 */
#define MASTER_LISTEN_FD 6

/**
 * One status message: 12 bytes in native byte order, without padding.
 */
typedef struct MASTER_STATUS {
    /**
     * offset 0: process ID of the sender
     */
    int pid;
    /**
     * offset 4: generation of the sender, the number in GENERATION
     */
    unsigned int gen;
    /**
     * offset 8: MASTER_STAT_TAKEN or MASTER_STAT_AVAIL
     */
    int avail;
} MASTER_STATUS;

/**
 * Send one MASTER_STATUS message to MASTER_STATUS_FD, with one write(2).
 *
 * pid is the caller's process ID, generation the octal number in the
 * environment variable GENERATION, status is MASTER_STAT_TAKEN or
 * MASTER_STAT_AVAIL. No value is checked.
 *
 * Returns 0 when all 12 bytes were written. Returns -1 otherwise, with errno
 * as write(2) left it; after a short write errno is unchanged. There is no
 * retry, not even after EINTR. -1 usually means that master(8) is reloading
 * and has closed the pipe: the caller finishes with the client that it has
 * accepted, if any, and exits. SIGPIPE must be ignored, or it kills the caller.
 *
 * If the program contains Postfix's msg_verbose and msg_info(), and
 * msg_verbose is not zero, the call is logged with msg_info(), which may
 * change errno. Thread-safe; async-signal-safe while msg_verbose is zero.
 */
int master_notify(int pid, unsigned int generation, int status);

#ifdef __cplusplus
}
#endif

#endif /* MASTER_PROTO_H */
