/* The header compiles by itself, and twice. */
#include <master_proto.h>
#include <master_proto.h>

extern int other;
