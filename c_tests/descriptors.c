/* Descriptor 5 can be anything that can be written to. */
#define _GNU_SOURCE /* posix_openpt */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Sends two messages and reads them one by one: exactly twelve bytes each. */
static void check_two_messages(int reader)
{
    unsigned char got[64];
    MASTER_STATUS message;
    int i;

    for (i = 1; i <= 2; i++) {
        assert_int_equal(notify(i, 7, 1).result, 0);
        assert_int_equal(drain(reader, got, sizeof(got)), 12);
        memcpy(&message, got, 12);
        assert_int_equal(message.pid, i);
        assert_int_equal(message.gen, 7);
        assert_int_equal(message.avail, 1);
    }
    close(reader);
    close_status_fd();
}

static void pipe_takes_messages(void **state)
{
    (void) state;
    check_two_messages(status_pipe());
}

static void fifo_takes_messages(void **state)
{
    char folder[] = "/tmp/master_proto.XXXXXX";
    char name[64];
    int reader;

    (void) state;
    assert_non_null(mkdtemp(folder));
    snprintf(name, sizeof(name), "%s/fifo", folder);
    assert_int_equal(mkfifo(name, 0600), 0);
    reader = not_status_fd(open(name, O_RDONLY | O_NONBLOCK));
    become_status_fd(open(name, O_WRONLY));
    unlink(name);
    rmdir(folder);
    check_two_messages(reader);
}

static int status_socket(int type)
{
    int ends[2];
    int reader;

    assert_int_equal(socketpair(AF_UNIX, type, 0, ends), 0);
    reader = not_status_fd(ends[0]);
    become_status_fd(ends[1]);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    return reader;
}

static void stream_socket_takes_messages(void **state)
{
    (void) state;
    check_two_messages(status_socket(SOCK_STREAM));
}

/* These two keep the limits of each write, so that one call is one write. */
static void check_packets(int type)
{
    int reader = status_socket(type);
    char got[64];
    int i;

    notify(1, 2, 3);
    notify(4, 5, 6);
    for (i = 0; i < 2; i++) {
        ssize_t size = read(reader, got, sizeof(got));

        observe("packet of %d bytes", (int) size);
        assert_int_equal(size, 12);
    }
    assert_int_equal(read(reader, got, sizeof(got)), -1);
    close(reader);
    close_status_fd();
}

static void datagram_socket_takes_one_packet_per_call(void **state)
{
    (void) state;
    check_packets(SOCK_DGRAM);
}

static void seqpacket_socket_takes_one_packet_per_call(void **state)
{
    (void) state;
    check_packets(SOCK_SEQPACKET);
}

static void regular_file_takes_messages(void **state)
{
    char name[] = "/tmp/master_proto.XXXXXX";
    int fd = mkstemp(name);
    int reader = not_status_fd(open(name, O_RDONLY));

    (void) state;
    assert_true(fd >= 0);
    unlink(name);
    become_status_fd(fd);
    check_two_messages(reader);
}

static void null_device_takes_messages(void **state)
{
    (void) state;
    become_status_fd(open("/dev/null", O_WRONLY));
    assert_int_equal(notify(1, 2, 3).result, 0);
    close_status_fd();
}

static void terminal_takes_messages(void **state)
{
    int reader = not_status_fd(posix_openpt(O_RDWR | O_NOCTTY));
    struct termios raw;

    (void) state;
    assert_int_equal(grantpt(reader), 0);
    assert_int_equal(unlockpt(reader), 0);
    become_status_fd(open(ptsname(reader), O_RDWR | O_NOCTTY));
    assert_int_equal(tcgetattr(MASTER_STATUS_FD, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(MASTER_STATUS_FD, TCSANOW, &raw), 0);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    check_two_messages(reader);
}

static void check_failure(int error)
{
    struct outcome seen = notify(1, 2, 3);

    assert_int_equal(seen.result, -1);
    assert_int_equal(seen.error, error);
    close_status_fd();
}

static void read_only_descriptor_is_ebadf(void **state)
{
    (void) state;
    become_status_fd(open("/dev/null", O_RDONLY));
    check_failure(EBADF);
}

static void directory_is_ebadf(void **state)
{
    (void) state;
    become_status_fd(open("/", O_RDONLY | O_DIRECTORY));
    check_failure(EBADF);
}

static void stream_socket_without_peer_is_epipe(void **state)
{
    (void) state;
    signal(SIGPIPE, SIG_IGN);
    close(status_socket(SOCK_STREAM));
    check_failure(EPIPE);
    signal(SIGPIPE, SIG_DFL);
}

static void datagram_socket_without_peer_is_econnrefused(void **state)
{
    (void) state;
    close(status_socket(SOCK_DGRAM));
    check_failure(ECONNREFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipe_takes_messages),
        cmocka_unit_test(fifo_takes_messages),
        cmocka_unit_test(stream_socket_takes_messages),
        cmocka_unit_test(datagram_socket_takes_one_packet_per_call),
        cmocka_unit_test(seqpacket_socket_takes_one_packet_per_call),
        cmocka_unit_test(regular_file_takes_messages),
        cmocka_unit_test(null_device_takes_messages),
        cmocka_unit_test(terminal_takes_messages),
        cmocka_unit_test(read_only_descriptor_is_ebadf),
        cmocka_unit_test(directory_is_ebadf),
        cmocka_unit_test(stream_socket_without_peer_is_epipe),
        cmocka_unit_test(datagram_socket_without_peer_is_econnrefused),
    };

    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
