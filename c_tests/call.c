/* What reaches the other end of a pipe: twelve bytes, for every value. */
#include "harness.h"

#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Sends one message and compares what arrives with the struct's own bytes. */
static void check(int reader, int pid, unsigned generation, int status)
{
    unsigned char want[12];
    unsigned char got[13];
    struct outcome seen = notify(pid, generation, status);

    memcpy(want, &pid, 4);
    memcpy(want + 4, &generation, 4);
    memcpy(want + 8, &status, 4);
    assert_int_equal(seen.result, 0);
    assert_int_equal(seen.error, 0);
    assert_int_equal(drain(reader, got, sizeof(got)), 12);
    assert_memory_equal(got, want, 12);
}

static void extreme_values_pass_unchanged(void **state)
{
    static const int numbers[] = {0, 1, -1, 2, INT_MIN, INT_MAX, 0x01020304};
    static const unsigned generations[] = {0, 1, INT_MAX, (unsigned) INT_MIN, UINT_MAX, 0x05060708};
    int reader = status_pipe();
    size_t i, j, k;

    (void) state;
    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        for (j = 0; j < sizeof(generations) / sizeof(generations[0]); j++)
            for (k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
                check(reader, numbers[i], generations[j], numbers[k]);
    close_status_fd();
}

static void random_values_pass_unchanged(void **state)
{
    uint32_t seed = (uint32_t) setting("SEED", (unsigned long) time(NULL));
    uint32_t x = seed ? seed : 1;
    int calls = (int) setting("RANDOM_CALLS", 100000);
    int reader = status_pipe();
    int i;

    (void) state;
    for (i = 0; i < calls; i++) {
        int pid = (int) next_random(&x);
        unsigned generation = next_random(&x);
        int status = (int) next_random(&x);
        unsigned char want[12], got[13];

        memcpy(want, &pid, 4);
        memcpy(want + 4, &generation, 4);
        memcpy(want + 8, &status, 4);
        if (master_notify(pid, generation, status) != 0 ||
            read(reader, got, sizeof(got)) != 12 || memcmp(got, want, 12) != 0)
            fail_msg("call %d differs; to repeat it: SEED=%lu", i, (unsigned long) seed);
    }
    observe("%d random calls", i);
    close_status_fd();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extreme_values_pass_unchanged),
        cmocka_unit_test(random_values_pass_unchanged),
    };

    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
