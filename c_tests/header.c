/* The header compiles by itself, and twice. */
#include <master_proto.h>
#include <master_proto.h>

/* Without the header, this file would be empty, which ISO C forbids. */
extern int other;
