/*
 * The header's struct and macros, against the numbers of the protocol. Built
 * with our header and with Postfix's, so the notes compare the two.
 */
#include "harness.h"

#include <string.h>

#define IS_UNSIGNED(member) ((member) = 0, (member) -1 > 0)

/* Postfix puts the names into static initialisers, and tests some as macros. */
static const char *const names[] = {
    MASTER_XPORT_NAME_UNIX,
    MASTER_XPORT_NAME_FIFO,
    MASTER_XPORT_NAME_INET,
    MASTER_XPORT_NAME_PASS,
    MASTER_XPORT_NAME_UXDG,
    MASTER_GEN_NAME,
};

#if !defined(MASTER_XPORT_NAME_UNIX) || !defined(MASTER_XPORT_NAME_FIFO) || \
    !defined(MASTER_XPORT_NAME_INET) || !defined(MASTER_XPORT_NAME_PASS) || \
    !defined(MASTER_XPORT_NAME_UXDG) || !defined(MASTER_GEN_NAME) || \
    !defined(MASTER_STAT_TAKEN) || !defined(MASTER_STAT_AVAIL) || \
    !defined(MASTER_FLOW_READ) || !defined(MASTER_FLOW_WRITE) || \
    !defined(MASTER_STATUS_FD) || !defined(MASTER_LISTEN_FD)
#error "a name of the protocol is not a macro"
#endif

/* The preprocessor knows the numbers. */
#if MASTER_STAT_TAKEN != 0 || MASTER_STAT_AVAIL != 1 || MASTER_FLOW_READ != 3 || \
    MASTER_FLOW_WRITE != 4 || MASTER_STATUS_FD != 5 || MASTER_LISTEN_FD != 6
#error "a number of the protocol is wrong"
#endif

static void struct_is_twelve_bytes(void **state)
{
    (void) state;
    observe("size %d, alignment %d", (int) sizeof(MASTER_STATUS),
            (int) __alignof__(MASTER_STATUS));
    assert_int_equal(sizeof(MASTER_STATUS), 12);
    assert_int_equal(__alignof__(MASTER_STATUS), 4);
}

static void tag_and_typedef_are_one_type(void **state)
{
    struct MASTER_STATUS by_tag = {1, 2, 3};
    MASTER_STATUS *by_typedef = &by_tag;

    (void) state;
    assert_int_equal(by_typedef->avail, 3);
}

static void members_are_where_they_belong(void **state)
{
    MASTER_STATUS status;

    (void) state;
#define MEMBER(name, offset, is_unsigned) \
    observe(#name ": offset %d, size %d, %s", (int) offsetof(MASTER_STATUS, name), \
            (int) sizeof(status.name), IS_UNSIGNED(status.name) ? "unsigned" : "signed"); \
    assert_int_equal(offsetof(MASTER_STATUS, name), offset); \
    assert_int_equal(sizeof(status.name), 4); \
    assert_int_equal(IS_UNSIGNED(status.name), is_unsigned)

    MEMBER(pid, 0, 0);
    MEMBER(gen, 4, 1);
    MEMBER(avail, 8, 0);
}

static void names_are_those_of_the_protocol(void **state)
{
    static const char *const wanted[] = {"unix", "fifo", "inet", "pass", "unix-dgram", "GENERATION"};
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        observe("name %d: %s", (int) i, names[i]);
        assert_string_equal(names[i], wanted[i]);
    }
}

static void numbers_are_observed(void **state)
{
    (void) state;
    observe("TAKEN %d AVAIL %d FLOW_READ %d FLOW_WRITE %d STATUS_FD %d LISTEN_FD %d",
            MASTER_STAT_TAKEN, MASTER_STAT_AVAIL, MASTER_FLOW_READ, MASTER_FLOW_WRITE,
            MASTER_STATUS_FD, MASTER_LISTEN_FD);
}

static void function_has_its_type(void **state)
{
    int (*function)(int, unsigned, int) = master_notify;

    (void) state;
    assert_non_null(function);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(struct_is_twelve_bytes),
        cmocka_unit_test(tag_and_typedef_are_one_type),
        cmocka_unit_test(members_are_where_they_belong),
        cmocka_unit_test(names_are_those_of_the_protocol),
        cmocka_unit_test(numbers_are_observed),
        cmocka_unit_test(function_has_its_type),
    };

    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
