/* The header compiles by itself, and twice. */
#include <master_proto.h>
#include <master_proto.h>

/* Code after the header compiles, too. */
extern int other;
