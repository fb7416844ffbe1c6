/*
 * The struct, the numbers and the names of the protocol; that this compiles is
 * the test, with our header as with Postfix's. Postfix puts the names into
 * static initialisers, and tests some as macros.
 */
#include <stddef.h>

#include <master_proto.h>

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

/* Each array has a negative size where its claim is false. */
#define CLAIM(name, holds) extern char name[(holds) ? 1 : -1]
#define MEMBER(member, type, at) \
    CLAIM(member##_is_at, offsetof(MASTER_STATUS, member) == (at)); \
    CLAIM(member##_has_type, __builtin_types_compatible_p(__typeof__(((MASTER_STATUS *) 0)->member), type))
#define NAME(macro, text) \
    const char macro##_text[] = macro; \
    CLAIM(macro##_is, sizeof(macro##_text) == sizeof(text) && __builtin_strcmp(macro, text) == 0)

CLAIM(message_is_twelve_bytes, sizeof(MASTER_STATUS) == 12);
CLAIM(message_is_aligned_as_int, __alignof__(MASTER_STATUS) == 4);
MEMBER(pid, int, 0);
MEMBER(gen, unsigned, 4);
MEMBER(avail, int, 8);

NAME(MASTER_XPORT_NAME_UNIX, "unix");
NAME(MASTER_XPORT_NAME_FIFO, "fifo");
NAME(MASTER_XPORT_NAME_INET, "inet");
NAME(MASTER_XPORT_NAME_PASS, "pass");
NAME(MASTER_XPORT_NAME_UXDG, "unix-dgram");
NAME(MASTER_GEN_NAME, "GENERATION");

CLAIM(function_has_its_type,
      __builtin_types_compatible_p(__typeof__(&master_notify), int (*)(int, unsigned, int)));

int main(void)
{
    struct MASTER_STATUS by_tag = {1, 2, 3};
    MASTER_STATUS *by_typedef = &by_tag;

    return by_typedef->avail != 3;
}
