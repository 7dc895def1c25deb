/* learn/event_log: read back by an independent parser that checks the checksums, and the file after a full
 * disk. */
#include "learn/event_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/scratch.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct record {
    double wall_time, start_time;
    int64_t step;
    char version[32], tag[64];
    char plugin[32], settings[512]; /* of hparams: "name=number\n" or "name:text\n" each, in their order */
    float value;
    bool has_value, has_session;
    uint64_t status;
} record;

/* Bit by bit from the polynomial, unlike base/file.c's tables. */
static uint32_t plain_masked_crc(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffffu;
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static uint64_t little(const uint8_t *p, int bytes)
{
    uint64_t x = 0;
    for (int i = bytes; i-- > 0;)
        x = x << 8 | p[i];
    return x;
}

typedef struct field {
    int number, wire;
    uint64_t value;      /* wire 0, 1, 5 */
    const uint8_t *data; /* wire 2: `value` bytes */
} field;

static uint64_t varint(const uint8_t **p, const uint8_t *end)
{
    uint64_t x = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(*p < end && shift < 64);
        const uint8_t b = *(*p)++;
        x |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return x;
    }
}

static field next_field(const uint8_t **p, const uint8_t *end)
{
    const uint64_t key = varint(p, end);
    field f = {.number = (int)(key >> 3), .wire = (int)(key & 7)};
    const int fixed = f.wire == 1 ? 8 : f.wire == 5 ? 4 : 0;
    if (fixed) {
        assert_true(end - *p >= fixed);
        f.value = little(*p, fixed);
        *p += fixed;
        return f;
    }
    assert_true(f.wire == 0 || f.wire == 2);
    f.value = varint(p, end);
    if (f.wire == 2) {
        assert_true(f.value <= (uint64_t)(end - *p));
        f.data = *p;
        *p += f.value;
    }
    return f;
}

static void keep_text(char *to, size_t size, const field *f)
{
    assert_true(f->wire == 2 && f->value < size);
    memcpy(to, f->data, f->value);
    to[f->value] = 0;
}

/* google.protobuf.Value: number_value 2, string_value 3. */
static void parse_setting(const field *entry, record *r)
{
    char name[64] = "", text[64] = "";
    double number = NAN;
    bool is_text = false;
    for (const uint8_t *p = entry->data, *end = p + entry->value; p < end;) {
        const field f = next_field(&p, end);
        if (f.number == 1) {
            keep_text(name, sizeof name, &f);
            continue;
        }
        assert_true(f.number == 2 && f.wire == 2);
        for (const uint8_t *q = f.data, *stop = q + f.value; q < stop;) {
            const field value = next_field(&q, stop);
            is_text = value.number == 3;
            assert_true(is_text || (value.number == 2 && value.wire == 1));
            if (is_text)
                keep_text(text, sizeof text, &value);
            else
                memcpy(&number, &value.value, sizeof number);
        }
    }
    const size_t used = strlen(r->settings);
    if (is_text)
        snprintf(r->settings + used, sizeof r->settings - used, "%s:%s\n", name, text);
    else
        snprintf(r->settings + used, sizeof r->settings - used, "%s=%.0f\n", name, 1000 * number);
}

/* HParamsPluginData: session_start_info 3; of that hparams 1, start_time_secs 5. */
static void parse_hparams(const field *content, record *r)
{
    for (const uint8_t *p = content->data, *end = p + content->value; p < end;) {
        const field start = next_field(&p, end);
        assert_true(start.number == 3 && start.wire == 2);
        for (const uint8_t *q = start.data, *stop = q + start.value; q < stop;) {
            const field f = next_field(&q, stop);
            if (f.number == 1 && f.wire == 2) {
                parse_setting(&f, r);
            } else {
                assert_true(f.number == 5 && f.wire == 1);
                memcpy(&r->start_time, &f.value, sizeof r->start_time);
            }
        }
    }
}

/* SummaryMetadata: plugin_data 1; of that plugin_name 1, content 2. */
static void parse_metadata(const field *metadata, record *r)
{
    for (const uint8_t *p = metadata->data, *end = p + metadata->value; p < end;) {
        const field plugin = next_field(&p, end);
        assert_true(plugin.number == 1 && plugin.wire == 2);
        for (const uint8_t *q = plugin.data, *stop = q + plugin.value; q < stop;) {
            const field f = next_field(&q, stop);
            assert_true((f.number == 1 || f.number == 2) && f.wire == 2);
            if (f.number == 1)
                keep_text(r->plugin, sizeof r->plugin, &f);
            else
                parse_hparams(&f, r);
        }
    }
}

static void parse_point(const field *point, record *r)
{
    for (const uint8_t *p = point->data, *end = p + point->value; p < end;) {
        const field f = next_field(&p, end);
        if (f.number == 1) {
            keep_text(r->tag, sizeof r->tag, &f);
        } else if (f.number == 9 && f.wire == 2) {
            parse_metadata(&f, r);
        } else {
            assert_true(f.number == 2 && f.wire == 5);
            const uint32_t bits = (uint32_t)f.value;
            memcpy(&r->value, &bits, sizeof bits);
            r->has_value = true;
        }
    }
}

static record parse_event(const uint8_t *p, size_t size)
{
    record r = {0};
    for (const uint8_t *end = p + size; p < end;) {
        const field f = next_field(&p, end);
        if (f.number == 1 && f.wire == 1) {
            memcpy(&r.wall_time, &f.value, sizeof r.wall_time);
        } else if (f.number == 2 && f.wire == 0) {
            r.step = (int64_t)f.value;
        } else if (f.number == 3) {
            keep_text(r.version, sizeof r.version, &f);
        } else if (f.number == 5 && f.wire == 2) {
            for (const uint8_t *q = f.data, *stop = q + f.value; q < stop;) {
                const field point = next_field(&q, stop);
                assert_true(point.number == 1 && point.wire == 2);
                parse_point(&point, &r);
            }
        } else if (f.number == 7 && f.wire == 2) {
            r.has_session = true;
            for (const uint8_t *q = f.data, *stop = q + f.value; q < stop;) {
                const field status = next_field(&q, stop);
                assert_true(status.number == 1 && status.wire == 0);
                r.status = status.value;
            }
        } else {
            fail_msg("unexpected field %d of wire type %d", f.number, f.wire);
        }
    }
    return r;
}

/* All records of a file, which must hold whole ones only. The caller frees. */
static record *read_log(const char *path, size_t *count)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    static uint8_t data[16 << 20];
    const size_t size = fread(data, 1, sizeof data, f);
    assert_true(size < sizeof data);
    fclose(f);
    record *r = NULL;
    *count = 0;
    for (size_t at = 0; at < size;) {
        assert_true(size - at >= 16);
        const uint64_t length = little(data + at, 8);
        assert_int_equal(little(data + at + 8, 4), plain_masked_crc(data + at, 8));
        assert_true(length <= size - at - 16);
        assert_int_equal(little(data + at + 12 + length, 4), plain_masked_crc(data + at + 12, length));
        if (*count % 1024 == 0) {
            r = realloc(r, (*count + 1024) * sizeof *r);
            assert_non_null(r);
        }
        r[(*count)++] = parse_event(data + at + 12, length);
        at += 16 + length;
    }
    assert_true(*count > 0);
    assert_string_equal(r[0].version, "brain.Event:2");
    assert_false(r[0].has_value || r[0].has_session);
    return r;
}

static ami_event_log *open_log(const char *name, int64_t step, char *path, size_t size)
{
    ami_error err = {""};
    ami_event_log *log = ami_event_log_open(name, step, &err);
    if (!log)
        fail_msg("%s", err.text);
    snprintf(path, size, "%s", ami_event_log_path(log));
    return log;
}

static void test_scalars(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        int64_t step;
        double value;
    } point[] = {
        {"reward/pose", 4096, .75},      {"reward/pose", 8192, 0}, {"kl", 1, -0.0},  {"a", 0, 1e-3},
        {"größe", INT64_MAX, INFINITY},  {"huge", 5, 1e300},       {"lost", 6, NAN}, {"negative", 7, -2.5},
        {"a/b/c/d", (int64_t)1 << 40, 3}};
    enum { N = sizeof point / sizeof *point };
    ami_error err = {""};
    char name[300], path[600];
    snprintf(name, sizeof name, "%s/some/run", scratch_folder); /* neither exists yet */
    const double before = (double)time(NULL);
    ami_event_log *log = open_log(name, 0, path, sizeof path);
    for (int i = 0; i < N; i++)
        assert_true(ami_event_log_scalar(log, point[i].tag, point[i].step, point[i].value, &err));
    assert_true(ami_event_log_flush(log, &err));
    size_t count;
    record *r = read_log(path, &count); /* while it is open */
    assert_int_equal(count, 1 + N);
    for (int i = 0; i < N; i++) {
        assert_string_equal(r[i + 1].tag, point[i].tag);
        assert_int_equal(r[i + 1].step, point[i].step);
        assert_true(r[i + 1].has_value); /* a zero too */
        const float expected = (float)point[i].value;
        assert_true(isnan(expected) ? isnan(r[i + 1].value) : r[i + 1].value == expected);
        assert_true(r[i + 1].wall_time >= before && r[i + 1].wall_time <= before + 600);
        assert_true(r[i + 1].wall_time >= r[i].wall_time);
    }
    free(r);
    assert_true(ami_event_log_scalar(log, "last", 9, 9, &err));
    assert_true(ami_event_log_close(log, &err)); /* flushes */
    r = read_log(path, &count);
    assert_int_equal(count, 2 + N);
    assert_string_equal(r[1 + N].tag, "last");
    free(r);
}

/* As TensorBoard's plugin for hyperparameters reads them (its api.proto, plugin_data.proto). */
static void test_settings(void **state)
{
    (void)state;
    const ami_event_setting list[] = {{"motion", "größe", 0},
                                      {"gamma", NULL, .95},
                                      {"zero", NULL, 0},
                                      {"empty", "", 0},
                                      {"bf16", NULL, -1}};
    char path[600], name[300];
    ami_error err = {""};
    snprintf(name, sizeof name, "%s/settings", scratch_folder);
    ami_event_log *log = open_log(name, 0, path, sizeof path);
    assert_true(ami_event_log_settings(log, list, sizeof list / sizeof *list, &err));
    assert_true(ami_event_log_scalar(log, "a", 1, 1, &err));
    assert_true(ami_event_log_settings(log, list, 0, &err));
    assert_true(ami_event_log_close(log, &err));
    size_t count;
    record *r = read_log(path, &count);
    assert_int_equal(count, 4);
    assert_string_equal(r[1].tag, "_hparams_/session_start_info");
    assert_string_equal(r[1].plugin, "hparams");
    assert_string_equal(r[1].settings, "motion:größe\ngamma=950\nzero=0\nempty:\nbf16=-1000\n");
    assert_true(r[1].start_time > 1.7e9 && r[1].start_time == r[1].wall_time);
    assert_false(r[1].has_value);
    assert_string_equal(r[2].tag, "a");
    assert_string_equal(r[3].plugin, "hparams");
    assert_string_equal(r[3].settings, "");
    free(r);
}

static void test_restart(void **state)
{
    (void)state;
    char name[300], path[4][600];
    snprintf(name, sizeof name, "%s/restart", scratch_folder);
    for (int i = 0; i < 4; i++) {
        ami_event_log *log = open_log(name, i == 0 ? 0 : 1000 * i, path[i], sizeof path[i]);
        assert_true(ami_event_log_close(log, NULL));
        size_t count;
        record *r = read_log(path[i], &count);
        assert_int_equal(count, i == 0 ? 1 : 2);
        if (i > 0) {
            assert_true(r[1].has_session);
            assert_int_equal(r[1].status, 1);              /* START */
            assert_int_equal(r[1].step, 1000 * i + 1);     /* the point at 1000 i was before the checkpoint */
            assert_true(strcmp(path[i - 1], path[i]) < 0); /* readers go by name, also within a second */
        }
        free(r);
    }
    const char *base = strrchr(path[0], '/') + 1;
    long long second;
    long pid;
    char host[256];
    assert_int_equal(sscanf(base, "events.out.tfevents.%lld.%255[^.]", &second, host), 2);
    assert_true(llabs(second - (long long)time(NULL)) < 600);
    assert_int_equal(sscanf(strrchr(base, '.'), ".%ld", &pid), 1);
    assert_int_equal(pid, getpid());
}

static struct rlimit limit_before;

/* No file may grow beyond `bytes`: stands for a full disk. */
static void fill_disk(rlim_t bytes)
{
    struct rlimit limit = limit_before;
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
    (void)state;
    ami_error err = {""};
    char path[600];
    size_t count;
    ami_event_log *log = open_log(scratch_folder, 0, path, sizeof path);
    assert_true(ami_event_log_scalar(log, "a", 1, 1, &err) && ami_event_log_flush(log, &err));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    const rlim_t full = (rlim_t)st.st_size;
    for (rlim_t room = 0; room < 200; room += 7) { /* stops within every part of a record */
        fill_disk(full + room);
        const int64_t step = 2 + (int64_t)room / 7 * 10;
        for (int i = 0; i < 10; i++)
            assert_true(ami_event_log_scalar(log, "a", step + i, 1, &err));
        const bool flushed = ami_event_log_flush(log, &err);
        fill_disk(limit_before.rlim_cur);
        assert_false(flushed);
        assert_non_null(strstr(err.text, path));
        record *r = read_log(path, &count); /* whole records, even now */
        assert_int_equal(count, 2);
        free(r);
    }
    assert_true(ami_event_log_close(log, &err)); /* room again: nothing was lost */
    record *r = read_log(path, &count);
    assert_int_equal(count, 2 + 29 * 10);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(r[i].step, i);
    free(r);
}

static void test_full_for_long(void **state)
{
    (void)state;
    enum { POINTS = 200000 };
    ami_error err = {""};
    char path[600];
    ami_event_log *log = open_log(scratch_folder, 0, path, sizeof path);
    fill_disk(10);
    bool ok = true;
    for (int i = 0; i < POINTS; i++)
        ok &= ami_event_log_scalar(log, "a/long/enough/name", i, i, &err);
    const bool flushed = ami_event_log_flush(log, &err);
    fill_disk(limit_before.rlim_cur);
    assert_true(ok);
    assert_false(flushed);
    assert_true(ami_event_log_close(log, &err));
    size_t count;
    record *r = read_log(path, &count);
    assert_true(count > 1000 && count < POINTS); /* the oldest are gone, the newest there, none between */
    for (size_t i = 1; i < count; i++)
        assert_int_equal(r[i].step, POINTS - count + i);
    free(r);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= (4 << 20) + 100);
}

static void test_unflushed_is_bounded(void **state)
{
    (void)state;
    enum { POINTS = 150000 };
    ami_error err = {""};
    char path[600];
    ami_event_log *log = open_log(scratch_folder, 0, path, sizeof path);
    for (int i = 0; i < POINTS; i++)
        assert_true(ami_event_log_scalar(log, "a/long/enough/name", i, i, &err));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 1 << 20); /* flushed by itself on the way */
    assert_true(ami_event_log_close(log, &err));
    size_t count;
    record *r = read_log(path, &count);
    assert_int_equal(count, 1 + POINTS);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(r[i].step, i - 1);
    free(r);
}

static void test_cannot_open(void **state)
{
    (void)state;
    ami_error err = {""};
    char name[300];
    snprintf(name, sizeof name, "%s/file", scratch_folder);
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fclose(f);
    assert_null(ami_event_log_open(name, 0, &err));
    assert_non_null(strstr(err.text, name));
    snprintf(name, sizeof name, "%s/full", scratch_folder);
    fill_disk(0);
    ami_event_log *log = ami_event_log_open(name, 0, &err);
    fill_disk(limit_before.rlim_cur);
    assert_null(log);
    assert_non_null(strstr(err.text, name));
    assert_int_equal(rmdir(name), 0); /* no empty event file is left */
    assert_true(ami_event_log_close(NULL, &err));
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    return make_scratch(state) == 0 && getrlimit(RLIMIT_FSIZE, &limit_before) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return remove_scratch(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),       cmocka_unit_test(test_settings),
        cmocka_unit_test(test_restart),       cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_full_for_long), cmocka_unit_test(test_unflushed_is_bounded),
        cmocka_unit_test(test_cannot_open),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
