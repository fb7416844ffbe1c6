/*
 * The struct, the numbers and the names of the protocol. The test is that this
 * compiles, with our header as with Postfix's. Postfix uses the names in static
 * initialisers and tests some of them as macros.
 */
#include <stddef.h>

#include <master_proto.h>

#if !defined(MASTER_STAT_TAKEN) || MASTER_STAT_TAKEN != 0 || MASTER_STAT_AVAIL != 1 || \
    MASTER_FLOW_READ != 3 || MASTER_FLOW_WRITE != 4 || MASTER_STATUS_FD != 5 || \
    MASTER_LISTEN_FD != 6
#error "a number of the protocol is wrong, or not a macro"
#endif

#if !defined(MASTER_XPORT_NAME_UNIX) || !defined(MASTER_XPORT_NAME_FIFO) || \
    !defined(MASTER_XPORT_NAME_INET) || !defined(MASTER_XPORT_NAME_PASS) || \
    !defined(MASTER_XPORT_NAME_UXDG) || !defined(MASTER_GEN_NAME)
#error "a name of the protocol is not a macro"
#endif

#define CLAIM(holds) _Static_assert(holds, #holds)
#define HAS_TYPE(what, type) CLAIM(__builtin_types_compatible_p(__typeof__(what), type))
#define MEMBER(member, type, at) \
    CLAIM(offsetof(MASTER_STATUS, member) == (at)); \
    HAS_TYPE(((struct MASTER_STATUS *) 0)->member, type)
#define NAME(macro, text) \
    static const char macro##_text[] __attribute__((unused)) = macro; \
    CLAIM(sizeof(macro) == sizeof(text) && __builtin_strcmp(macro, text) == 0)

CLAIM(sizeof(MASTER_STATUS) == 12);
CLAIM(__alignof__(MASTER_STATUS) == 4);
MEMBER(pid, int, 0);
MEMBER(gen, unsigned, 4);
MEMBER(avail, int, 8);

NAME(MASTER_XPORT_NAME_UNIX, "unix");
NAME(MASTER_XPORT_NAME_FIFO, "fifo");
NAME(MASTER_XPORT_NAME_INET, "inet");
NAME(MASTER_XPORT_NAME_PASS, "pass");
NAME(MASTER_XPORT_NAME_UXDG, "unix-dgram");
NAME(MASTER_GEN_NAME, "GENERATION");

HAS_TYPE(&master_notify, int (*)(int, unsigned, int));
