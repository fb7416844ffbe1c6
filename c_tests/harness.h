/*
 * What the harnesses share that use the real write(2): descriptor 5 and the
 * call. A harness asserts all that it sees. tests/call runs it on Postfix's own
 * object first, so that no assertion asks for more than the original does. What
 * it opens ends with it.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <master_proto.h>
#include <sys/types.h>

/*
 * Each makes descriptor 5 the writing end of something new; returns the other
 * end, which does not block. The file has no name any more.
 */
int status_pipe(void);
int status_socket(void);
int status_file(void);

/* Moves a descriptor to number 5. */
void become_status_fd(int fd);

/* Fills the pipe at descriptor 5; returns how many bytes that took. */
size_t fill_status_pipe(void);

/* Reads all that is there and returns how many bytes; errno stays. */
size_t drain(int fd);

/*
 * Calls master_notify(1, 2, 3) with errno EDOM before it. It must return the
 * result and leave that errno.
 */
void expect(int result, int error);

/* The other end must have the message (1, 2, 3), and nothing else. */
void expect_message(int reader);

/* Runs a function in a child process, which ends with what that returns. */
pid_t start(int (*body)(void));

/* The same, and returns how that ends, as wait does. */
int in_child(int (*body)(void));

#endif
