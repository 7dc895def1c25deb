/* Fuzzes the control messages of live characters (server/channel.h): each line of the input is a message. No
 * crash, no leak, an answer for what is refused; frames have the promised layout. */
#include "server/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth)
        abort();
}

static void wake(void *context)
{
    (void)context;
}

static void ready(void *socket)
{
    (void)socket;
}

static srv_live *live;
static srv_channels *channels;
static srv_channel *owner; /* of character 1, which is shared and stays */

static void stop(void)
{
    srv_channel_close(owner);
    srv_channels_close(channels);
    srv_live_stop(live);
}

static void drain(srv_channel *c)
{
    static unsigned char buffer[SRV_MAX_OUT];
    bool binary;
    srv_channels_update(channels, ready);
    for (size_t n; (n = srv_channel_next(c, buffer, &binary)) > 0;) {
        demand(n <= sizeof buffer);
        for (size_t at = 0; binary && at < n;) {
            uint16_t length;
            memcpy(&length, buffer + at, 2);
            demand(length == 460 || length == 126);
            demand(at + length <= n);
            at += length;
        }
        demand(binary || buffer[0] == '{');
    }
    demand(!srv_channel_has_next(c));
}

static void start(void)
{
    const srv_live_def def = {.threads = 1, .max_characters = 5, .get_up_s = 1.5, .wake = wake};
    const srv_channel_limits limits = {.client_characters = 2, .idle_s = 1e6, .messages_hz = 1e9};
    ami_error err = {""};
    live = srv_live_start(&def, &err);
    demand(live != NULL);
    channels = srv_channels_open(live, &limits);
    demand(channels != NULL);
    atexit(stop);
    static const char create[] = "{\"type\":\"create\",\"shared\":true}";
    const char *why = NULL;
    owner = srv_channel_open(channels, NULL);
    demand(owner != NULL && srv_channel_receive(owner, create, sizeof create - 1, &why));
    for (srv_character *c = NULL; !c || !c->created;) {
        drain(owner);
        c = srv_character_find(live, 1);
        demand(c != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!live)
        start();
    srv_channel *c = srv_channel_open(channels, NULL);
    demand(c != NULL);
    drain(c);
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        const size_t n = end ? (size_t)(end - data) - at : size - at;
        const char *why = NULL;
        if (n <= SRV_MAX_MESSAGE)
            demand(srv_channel_receive(c, (const char *)data + at, n, &why));
        drain(c);
        at += n + 1;
    }
    srv_channel_close(c);
    drain(owner);
    return 0;
}
