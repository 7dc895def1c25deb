/* Writes TensorBoard event files: each event is a protobuf message in a TFRecord frame,
 *
 *   u64 length, u32 masked CRC-32C of those 8 bytes, data[length], u32 masked CRC-32C of the data (little
 *   endian)
 *
 * If a write stops in the middle of a record, the file is truncated to whole records, and the next flush
 * writes the record again. */
#include "learn/event_log.h"

#include "base/file.h"
#include "learn/event.pb-c.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BUFFERED = 4 << 20, FRAME_HEAD = 12, FRAME_TAIL = 4, FIRST_CAPACITY = 4096 };
static const char prefix[] = "events.out.tfevents.";

struct ami_event_log {
    char *path;
    int fd;
    off_t end;     /* the file's length in whole records */
    uint8_t *data; /* (capacity) buffered records */
    size_t size, capacity;
};

static void put_le(uint8_t *to, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(x >> (8 * i));
}

/* TFRecord's masked CRC: rotated, because CRCs of data that contains CRCs are unreliable. */
static uint32_t masked_crc(const void *data, size_t size)
{
    const uint32_t crc = ami_crc32c(0, data, size);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool reserve(ami_event_log *log, size_t size)
{
    if (log->size + size <= log->capacity)
        return true;
    const size_t capacity = 2 * log->capacity + size + FIRST_CAPACITY;
    uint8_t *data = realloc(log->data, capacity);
    if (!data)
        return false;
    log->data = data;
    log->capacity = capacity;
    return true;
}

/* Drops the oldest records, at least `min` bytes. */
static void drop_oldest(ami_event_log *log, size_t min)
{
    size_t at = 0;
    while (at < min && at < log->size) {
        uint64_t length = 0;
        for (int i = 0; i < 8; i++)
            length |= (uint64_t)log->data[at + (size_t)i] << (8 * i);
        at += FRAME_HEAD + (size_t)length + FRAME_TAIL;
    }
    memmove(log->data, log->data + at, log->size - at);
    log->size -= at;
}

static bool append(ami_event_log *log, const AmiEvent__Event *event, ami_error *err)
{
    const size_t length = ami_event__event__get_packed_size(event), record = FRAME_HEAD + length + FRAME_TAIL;
    if (log->size + record > MAX_BUFFERED && !ami_event_log_flush(log, NULL))
        drop_oldest(log, MAX_BUFFERED / 2);
    if (!reserve(log, record))
        return ami_fail(err, "%s: out of memory for a point", log->path);
    uint8_t *to = log->data + log->size;
    put_le(to, length, 8);
    put_le(to + 8, masked_crc(to, 8), 4);
    ami_event__event__pack(event, to + FRAME_HEAD);
    put_le(to + FRAME_HEAD + length, masked_crc(to + FRAME_HEAD, length), 4);
    log->size += record;
    return true;
}

/* The seconds for a new file's name. Readers sort a folder's files by name, so they must be later than those
 * of all existing files; those a day or more in the future are from a wrong clock and are ignored. */
static long long free_second(const char *folder)
{
    const long long now = (long long)time(NULL);
    long long second = now;
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1))
            continue;
        const long long taken = strtoll(entry->d_name + sizeof prefix - 1, NULL, 10);
        if (taken >= second && taken < now + 86400)
            second = taken + 1;
    }
    if (dir)
        closedir(dir);
    return second;
}

static bool open_file(ami_event_log *log, const char *folder, ami_error *err)
{
    char host[64] = "";
    if (gethostname(host, sizeof host - 1) || !host[0])
        strcpy(host, "localhost");
    for (char *c = host; *c; c++)
        if (*c == '/' || (unsigned char)*c < 33)
            *c = '_';
    const size_t size = strlen(folder) + strlen(host) + sizeof prefix + 48;
    log->path = malloc(size);
    if (!log->path)
        return ami_fail(err, "%s: out of memory for an event file", folder);
    snprintf(log->path, size, "%s/%s%lld.%s.%ld", folder, prefix, free_second(folder), host, (long)getpid());
    log->fd = open(log->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return log->fd >= 0 || ami_fail(err, "%s: cannot be created: %s", log->path, strerror(errno));
}

static bool begin(ami_event_log *log, int64_t step, ami_error *err)
{
    AmiEvent__Event first = AMI_EVENT__EVENT__INIT;
    first.wall_time = seconds_now();
    first.what_case = AMI_EVENT__EVENT__WHAT_FILE_VERSION;
    first.file_version = (char[]){"brain.Event:2"};
    if (!append(log, &first, err))
        return false;
    if (step > 0) {
        AmiEvent__Session session = AMI_EVENT__SESSION__INIT;
        AmiEvent__Event start = AMI_EVENT__EVENT__INIT;
        session.status = AMI_EVENT__SESSION__STATUS__START;
        start.wall_time = seconds_now();
        start.step = step + 1; /* readers forget from here on; the point at `step` itself is before the
                                  checkpoint and stays */
        start.what_case = AMI_EVENT__EVENT__WHAT_SESSION;
        start.session = &session;
        if (!append(log, &start, err))
            return false;
    }
    return ami_event_log_flush(log, err);
}

ami_event_log *ami_event_log_open(const char *folder, int64_t step, ami_error *err)
{
    if (!ami_folder_make(folder, err))
        return NULL;
    ami_event_log *log = calloc(1, sizeof *log);
    if (!log) {
        ami_fail(err, "%s: out of memory for an event file", folder);
        return NULL;
    }
    log->fd = -1;
    if (!open_file(log, folder, err) || !begin(log, step, err)) {
        if (log->fd >= 0)
            unlink(log->path); /* nothing in it */
        log->size = 0;
        ami_event_log_close(log, NULL);
        return NULL;
    }
    return log;
}

bool ami_event_log_scalar(ami_event_log *log, const char *tag, int64_t step, double value, ami_error *err)
{
    AmiEvent__Point point = AMI_EVENT__POINT__INIT, *points[1] = {&point};
    AmiEvent__Summary summary = AMI_EVENT__SUMMARY__INIT;
    AmiEvent__Event event = AMI_EVENT__EVENT__INIT;
    point.tag = (char *)(uintptr_t)tag; /* only read */
    point.value_case = AMI_EVENT__POINT__VALUE_SIMPLE_VALUE;
    point.simple_value = (float)value;
    summary.n_point = 1;
    summary.point = points;
    event.wall_time = seconds_now();
    event.step = step;
    event.what_case = AMI_EVENT__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return append(log, &event, err);
}

/* content: an encoded Hparams. */
static bool append_hparams(ami_event_log *log, uint8_t *content, size_t size, double now, ami_error *err)
{
    AmiEvent__Plugin plugin = AMI_EVENT__PLUGIN__INIT;
    AmiEvent__Metadata metadata = AMI_EVENT__METADATA__INIT;
    AmiEvent__Point point = AMI_EVENT__POINT__INIT, *points[1] = {&point};
    AmiEvent__Summary summary = AMI_EVENT__SUMMARY__INIT;
    AmiEvent__Event event = AMI_EVENT__EVENT__INIT;
    plugin.name = (char[]){"hparams"};
    plugin.content = (ProtobufCBinaryData){size, content};
    metadata.plugin = &plugin;
    point.tag = (char[]){"_hparams_/session_start_info"};
    point.metadata = &metadata;
    summary.n_point = 1;
    summary.point = points;
    event.wall_time = now;
    event.what_case = AMI_EVENT__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return append(log, &event, err);
}

bool ami_event_log_settings(ami_event_log *log, const ami_event_setting *setting, size_t settings,
                            ami_error *err)
{
    AmiEvent__Hparams all = AMI_EVENT__HPARAMS__INIT;
    AmiEvent__HparamsStart start = AMI_EVENT__HPARAMS_START__INIT;
    AmiEvent__Hparam *one = calloc(settings + 1, sizeof *one), **list = calloc(settings + 1, sizeof *list);
    AmiEvent__HparamValue *value = calloc(settings + 1, sizeof *value);
    uint8_t *content = NULL;
    if (one && list && value) {
        for (size_t i = 0; i < settings; i++) {
            ami_event__hparam__init(&one[i]);
            ami_event__hparam_value__init(&value[i]);
            one[i].name = (char *)(uintptr_t)setting[i].name; /* only read */
            one[i].value = &value[i];
            value[i].value_case =
                setting[i].text ? AMI_EVENT__HPARAM_VALUE__VALUE_TEXT : AMI_EVENT__HPARAM_VALUE__VALUE_NUMBER;
            if (setting[i].text)
                value[i].text = (char *)(uintptr_t)setting[i].text;
            else
                value[i].number = setting[i].number;
            list[i] = &one[i];
        }
        start.n_hparam = settings;
        start.hparam = list;
        start.wall_time = seconds_now();
        all.start = &start;
        content = malloc(ami_event__hparams__get_packed_size(&all) + 1);
    }
    const bool ok =
        content ? append_hparams(log, content, ami_event__hparams__pack(&all, content), start.wall_time, err)
                : ami_fail(err, "%s: out of memory for the settings", log->path);
    free(content);
    free(value);
    free(list);
    free(one);
    return ok;
}

bool ami_event_log_flush(ami_event_log *log, ami_error *err)
{
    size_t done = 0;
    while (done < log->size) {
        const ssize_t n = pwrite(log->fd, log->data + done, log->size - done, log->end + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            const int why = n < 0 ? errno : ENOSPC;
            const bool cut = ftruncate(log->fd, log->end) == 0;
            return ami_fail(err, "%s: writing %zu bytes of curves failed%s: %s", log->path, log->size,
                            cut ? "" : " and left an incomplete record", strerror(why));
        }
        done += (size_t)n;
    }
    log->end += (off_t)done;
    log->size = 0;
    return true;
}

bool ami_event_log_close(ami_event_log *log, ami_error *err)
{
    if (!log)
        return true;
    bool ok = ami_event_log_flush(log, err);
    if (log->fd >= 0 && close(log->fd) != 0 && ok)
        ok = ami_fail(err, "%s: closing it failed: %s", log->path, strerror(errno));
    free(log->path);
    free(log->data);
    free(log);
    return ok;
}

const char *ami_event_log_path(const ami_event_log *log)
{
    return log->path;
}
