/* Postfix's logging symbols, silent: the state of a daemon without -v. */
#include <stdlib.h>

int msg_verbose;
void msg_info(const char *format, ...);

void msg_info(const char *format, ...)
{
    (void) format;
    abort();
}
