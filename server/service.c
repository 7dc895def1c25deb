/* systemd's protocols, and a check of a server's health for containers. */
#include "server/service.h"

#include <fcntl.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_SOCKET = 3 };

/* Whether a variable names this process. */
static bool is_ours(const char *variable)
{
    const char *pid = getenv(variable);
    return pid && strtol(pid, NULL, 10) == (long)getpid();
}

int srv_service_socket(void)
{
    const char *sockets = getenv("LISTEN_FDS");
    const int fd = is_ours("LISTEN_PID") && sockets && strtol(sockets, NULL, 10) > 0 ? FIRST_SOCKET : -1;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (fd >= 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
    return fd;
}

void srv_service_notify(const char *message)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    const size_t n = path ? strlen(path) : 0;
    if (n < 2 || n >= sizeof to.sun_path || (*path != '/' && *path != '@'))
        return;
    memcpy(to.sun_path, path, n);
    if (*path == '@') /* an abstract name */
        to.sun_path[0] = 0;
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    const ssize_t sent =
        sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    (void)sent; /* systemd acts when nothing arrives */
    close(fd);
}

int64_t srv_service_watchdog(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    if (!text || (getenv("WATCHDOG_PID") && !is_ours("WATCHDOG_PID")))
        return 0;
    const long long us = strtoll(text, NULL, 10);
    return us > 0 ? us * 1000 : 0;
}

bool srv_service_check(const char *url)
{
    char host[256], port[16] = "80", answer[16] = "", request[512];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    const struct timeval limit = {.tv_sec = 3};
    if (sscanf(url, "http://[%255[^]]]:%15[0-9]", host, port) < 1 &&
        sscanf(url, "http://%255[^:/]:%15[0-9]", host, port) < 1)
        return false;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return false;
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    const int n = snprintf(request, sizeof request,
                           "GET /v2/health/live HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
    const bool ok = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
                    send(fd, request, (size_t)n, MSG_NOSIGNAL) == n &&
                    recv(fd, answer, 12, MSG_WAITALL) == 12 && !strncmp(answer + 8, " 200", 4);
    if (fd >= 0)
        close(fd);
    freeaddrinfo(found);
    return ok;
}
