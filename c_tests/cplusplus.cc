// A C++ program includes the header, twice, and calls the function.
#include <master_proto.h>
#include <master_proto.h>

#include <cstdio>
#include <cstring>
#include <unistd.h>

int main()
{
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[1], MASTER_STATUS_FD) != MASTER_STATUS_FD) {
        std::perror("pipe");
        return 2;
    }
    const MASTER_STATUS sent = {1, 2, MASTER_STAT_AVAIL};
    MASTER_STATUS got = {0, 0, 0};
    const int result = master_notify(sent.pid, sent.gen, sent.avail);
    if (result != 0 || read(ends[0], &got, sizeof(got)) != sizeof(got) ||
        std::memcmp(&sent, &got, sizeof(got)) != 0) {
        std::puts("cplusplus: the message did not arrive");
        return 1;
    }
    return 0;
}
