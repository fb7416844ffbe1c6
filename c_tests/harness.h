/*
 * What the harnesses share that use the real write(2): descriptor 5 and the
 * call. A harness asserts all that it sees. tests/call runs it on Postfix's own
 * object first, so that no assertion asks for more than the original does.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <master_proto.h>

/* Moves a descriptor out of the way, should it have become 5. */
int not_status_fd(int fd);

/* Moves a descriptor to number 5. */
void become_status_fd(int fd);
void close_status_fd(void);

/* Makes descriptor 5 the writing end of a new pipe; returns the other end. */
int status_pipe(void);

/* Makes descriptor 5 a new file in the current folder that has no name any more. */
void status_file(void);

/* Fills the pipe at descriptor 5; returns how many bytes that took. */
size_t fill_status_pipe(void);

/* Reads all that is there and returns how many bytes; errno stays. */
size_t drain(int fd);

/*
 * Calls master_notify(1, 2, 3) with errno EDOM before it. It must return the
 * result and leave that errno.
 */
void expect(int result, int error);

/* The other end must have this message, and nothing else. */
void expect_message(int reader, int pid, unsigned generation, int status);

/* Runs a function in a child process and returns how that ends, as wait does. */
int in_child(int (*body)(void));

/*
 * Marks for strace, system calls that change nothing, not even errno: between
 * the first two all system calls are those of master_notify, but for what a
 * signal handler does in between, which the other two enclose.
 */
void mark_begin(void);
void mark_end(void);
void mark_pause(void);
void mark_resume(void);

#endif
