/* What systemd offers a service, without its library: sockets that it opened (sd_listen_fds(3)), and
 * messages to it (sd_notify(3)): ready, stopping, still alive. All do nothing where the program was not
 * started by systemd. */
#ifndef SRV_SERVICE_H
#define SRV_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

/* The inherited listening socket, -1: none. Takes the variables out of the environment. */
int srv_service_socket(void);

/* "READY=1", "STOPPING=1", "WATCHDOG=1". */
void srv_service_notify(const char *message);

/* ns between two "WATCHDOG=1" that systemd expects at most; 0: no watchdog. */
int64_t srv_service_watchdog(void);

/* Asks http://ADDRESS:PORT for /v2/health/live: true where the answer is 200 within 3 s. */
bool srv_service_check(const char *url);

#endif
