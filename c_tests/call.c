/*
 * Everything that master_notify() can do. It refers to write, msg_verbose and
 * msg_info alone and makes no system call of its own, as other tests show. So
 * this program defines all three: it checks each step, and returns every result
 * that write can have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/types.h>

#include "layout.h"

/* Values of errno. Linux has no name for these two. */
enum { BEFORE = 134, LOGGED = 135 };

/* One call: its arguments, what write and msg_info do, and how often they ran. */
struct scene {
    int pid;
    unsigned generation;
    int status;

    ssize_t result;
    int error;
    /* msg_verbose before the call, and after the write. */
    int verbose_before, verbose;
    void (*in_write)(void);
    void (*in_log)(void);

    int writes, logs;
};
static struct scene now;

int msg_verbose;
ssize_t write(int fd, const void *data, size_t size);
void msg_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

ssize_t write(int fd, const void *data, size_t size)
{
    int words[3];

    assert_int_equal(++now.writes, 1);
    assert_int_equal(now.logs, 0);
    assert_int_equal(errno, BEFORE);
    assert_int_equal(fd, 5);
    assert_int_equal(size, 12);
    memcpy(words, data, 12);
    assert_int_equal(words[0], now.pid);
    assert_int_equal((unsigned) words[1], now.generation);
    assert_int_equal(words[2], now.status);
    if (now.in_write != NULL)
        now.in_write();
    msg_verbose = now.verbose;
    errno = now.error;
    return now.result;
}

void msg_info(const char *format, ...)
{
    va_list arguments;

    assert_int_equal(++now.logs, 1);
    assert_int_equal(now.writes, 1);
    assert_int_equal(errno, now.error);
    assert_string_equal(format, now.result == 12 ? "%s: status %d" : "%s: status %d: %m");
    va_start(arguments, format);
    assert_string_equal(va_arg(arguments, const char *), "master_notify");
    assert_int_equal(va_arg(arguments, int), now.status);
    va_end(arguments);
    if (now.in_log != NULL)
        now.in_log();
    msg_verbose = 0;
    errno = LOGGED;
}

/* Makes the call. A call within a call restores the outer scene at its end. */
static void call(const struct scene *scene)
{
    struct scene outer = now;
    int result, error;

    now = *scene;
    msg_verbose = now.verbose_before;
    errno = BEFORE;
    result = master_notify(now.pid, now.generation, now.status);
    error = errno;
    assert_int_equal(now.writes, 1);
    assert_int_equal(now.logs, now.verbose != 0);
    assert_int_equal(result, now.result == 12 ? 0 : -1);
    assert_int_equal(error, now.verbose ? LOGGED : now.error);
    now = outer;
}

static const int numbers[] = {0, 1, -1, 2, 256, 65536, INT_MIN, INT_MAX, 0x01020304};
#define COUNT(array) (sizeof(array) / sizeof(array[0]))

static void every_value_of_every_argument_goes_out_unchanged(void **state)
{
    struct scene scene = {.result = 12, .error = BEFORE};
    uint32_t random = 1;
    size_t i, j, k;

    (void) state;
    for (i = 0; i < COUNT(numbers); i++)
        for (j = 0; j < COUNT(numbers); j++)
            for (k = 0; k < COUNT(numbers); k++) {
                scene.pid = numbers[i];
                scene.generation = (unsigned) numbers[j];
                scene.status = numbers[k];
                call(&scene);
            }
    for (i = 0; i < 10000; i++) {
        random = random * 1664525 + 1013904223;
        scene.status = (int) scene.generation;
        scene.generation = (unsigned) scene.pid;
        scene.pid = (int) (random ^ random >> 16);
        call(&scene);
    }
}

/* Each result and each errno of write, even those that no kernel returns. */
static void write_returns_everything(int verbose)
{
    const ssize_t others[] = {-12, -2, 256 + 12, 65536 + 12, (ssize_t) (((uint64_t) 1 << 32) + 12)};
    struct scene scene = {.pid = 1, .generation = 2, .status = 3};
    int i;

    scene.verbose_before = scene.verbose = verbose;
    for (scene.error = 0; scene.error <= BEFORE; scene.error++) {
        for (i = -1; i <= 13; i++) {
            scene.result = i;
            call(&scene);
        }
        for (i = 0; i < (int) COUNT(others); i++) {
            scene.result = others[i];
            call(&scene);
        }
    }
}

static void result_and_errno_are_those_of_write(void **state)
{
    (void) state;
    write_returns_everything(0);
}

static void log_tells_success_from_failure_and_has_the_errno_of_write(void **state)
{
    (void) state;
    write_returns_everything(1);
}

static void any_msg_verbose_but_0_is_verbose_and_its_value_after_the_write_counts(void **state)
{
    struct scene scene = {.pid = 1, .generation = 2, .error = EPIPE};
    size_t i, j;

    (void) state;
    for (i = 0; i < COUNT(numbers); i++)
        for (j = 0; j < COUNT(numbers); j++)
            for (scene.result = -1; scene.result <= 12; scene.result += 13) {
                scene.verbose_before = numbers[i];
                scene.verbose = numbers[j];
                call(&scene);
            }
}

static void call_again(void)
{
    const struct scene sent = {.pid = 4, .result = 12, .verbose = 1, .error = BEFORE};
    const struct scene lost = {.pid = 5, .result = -1, .error = EPIPE};

    call(&sent);
    call(&lost);
}

/* A signal handler makes such a call, and so does a msg_info that reports to master(8). */
static void call_works_inside_the_write_and_inside_the_log_of_another(void **state)
{
    struct scene scene = {.pid = 1, .generation = 2, .status = 3, .in_write = call_again, .in_log = call_again};

    (void) state;
    for (scene.verbose = 0; scene.verbose <= 1; scene.verbose++)
        for (scene.result = -1; scene.result <= 12; scene.result++)
            call(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_of_every_argument_goes_out_unchanged),
        cmocka_unit_test(result_and_errno_are_those_of_write),
        cmocka_unit_test(log_tells_success_from_failure_and_has_the_errno_of_write),
        cmocka_unit_test(any_msg_verbose_but_0_is_verbose_and_its_value_after_the_write_counts),
        cmocka_unit_test(call_works_inside_the_write_and_inside_the_log_of_another),
    };

    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
