/* Postfix's msg_verbose and msg_info, recording instead of logging. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>

#ifndef NO_MSG_VERBOSE
int msg_verbose;
#endif

struct msg_record msg_record;
void (*msg_hook)(void);

#ifndef NO_MSG_INFO
void msg_info(const char *format, ...)
{
    va_list arguments;

    mark_pause();
    msg_record.error = errno;
    msg_record.calls++;
    snprintf(msg_record.format, sizeof(msg_record.format), "%s", format);
    va_start(arguments, format);
    snprintf(msg_record.name, sizeof(msg_record.name), "%s", va_arg(arguments, const char *));
    msg_record.status = va_arg(arguments, int);
    va_end(arguments);
    if (msg_hook != NULL)
        msg_hook();
    else
        observe("msg_info(\"%s\", \"%s\", %d), errno %d", msg_record.format, msg_record.name,
                msg_record.status, msg_record.error);
    mark_resume();
}
#endif
