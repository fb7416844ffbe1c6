/* Postfix's logging symbols in a daemon without -v. */
#include <stdlib.h>

int msg_verbose;
void msg_info(const char *format, ...);

void msg_info(const char *format, ...)
{
    (void) format;
    abort();
}
