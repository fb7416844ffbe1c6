/*
 * What the C harnesses share: descriptor 5, the call, and what was observed.
 *
 * A harness asserts with cmocka what the behaviour must be, and notes with
 * observe() all that it saw. run.sh runs it on several implementations, the
 * original first, and compares the notes.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <master_proto.h>

/* Adds a line to the file that the environment variable OBSERVATIONS names. */
void observe(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes descriptor 5 the writing end of a new pipe; returns the other end. */
int status_pipe(void);

/* Moves a descriptor out of the way, should it have become 5. */
int not_status_fd(int fd);

/* Moves a descriptor to number 5. */
void become_status_fd(int fd);
void close_status_fd(void);

/*
 * One call, with errno 0 before it. The result and errno are also observed.
 * Fails if the call has changed an open descriptor, the signal mask or the heap.
 */
struct outcome {
    int result;
    int error;
};
struct outcome notify(int pid, unsigned generation, int status);

/* The same, with another errno before it and nothing observed. */
struct outcome notify_unobserved(int error_before, int pid, unsigned generation, int status);

/*
 * Marks for trace.sh, system calls that change nothing, not even errno: between
 * the first two, all system calls are those of master_notify, but for what runs
 * in between in a signal handler or in msg_info, which the other two enclose.
 */
void mark_begin(void);
void mark_end(void);
void mark_pause(void);
void mark_resume(void);

/* Runs a function in a child process and observes how that ends. */
int in_child(int (*body)(void));

/* A number from the environment, or the default. */
unsigned long setting(const char *name, unsigned long otherwise);

/* xorshift: the same sequence from the same seed on every C library. */
uint32_t next_random(uint32_t *x);

/* Reads all that is there, at most size bytes, and observes it. */
size_t drain(int fd, void *buffer, size_t size);

/*
 * What msg_info was called with: the arguments, errno on entry, how often.
 * Defined by msg.c, together with msg_verbose.
 */
struct msg_record {
    unsigned calls;
    int error;
    int status;
    char format[32];
    char name[32];
};
extern struct msg_record msg_record;
/* What msg_info does besides, if set, instead of observing the call. */
extern void (*msg_hook)(void);
extern int msg_verbose;
void msg_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
