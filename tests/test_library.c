/* A library of clips: its index, what is refused, drawing by duration, the cache's bound with 10,000 clips and several threads. */
#include "tests/clips.h"

#include "base/file.h"
#include "motion/library.h"
#include "tests/scratch.h"

#include <pthread.h>
#include <sys/stat.h>

enum { CLIPS = 10000, FOLDERS = 20, THREADS = 4, DRAWS = 3000 };

/* 4 to 8 frames at 30 Hz, which no other clip has. */
static void write_clip(const char *path, int number)
{
    double time[8], pose[8][AMI_POSE];
    ami_error err = {""};
    const int frames = 4 + number % 5;
    for (int f = 0; f < frames; f++) {
        time[f] = f / 30.;
        pose_at_rest(pose[f]);
        pose[f][0] = 1e-5 * number * f;
    }
    ami_clip *clip = ami_clip_create(frames, time, pose[0], number % 3 == 0, "made", &err);
    size_t size = 0;
    char *text = clip ? ami_clip_encode(clip, &size, &err) : NULL;
    if (!text || !ami_file_write(path, text, size, &err))
        fail_msg("%s", err.text);
    free(text);
    ami_clip_destroy(clip);
}

static char folder[128], index_path[160];

static int make_clips(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s", scratch("clips"));
    snprintf(index_path, sizeof index_path, "%s/index.txt", folder);
    mkdir(folder, 0777);
    for (int i = 0; i < CLIPS; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%02d", folder, i % FOLDERS);
        if (i < FOLDERS)
            mkdir(path, 0777);
        snprintf(path, sizeof path, "%s/%02d/%05d.txt", folder, i % FOLDERS, i);
        write_clip(path, i);
    }
    ami_error err = {""};
    if (!ami_file_write(scratch("clips/notes.md"), "no motion", 9, &err))
        fail_msg("%s", err.text);
    for (int again = 0; again < 2; again++) /* the second time an index is there, which is left out */
        assert_int_equal(ami_library_write_index(folder, index_path, &err), CLIPS);
    return 0;
}

static ami_library *open_library(size_t bytes)
{
    ami_error err = {""};
    ami_library *m = ami_library_open(index_path, bytes, &err);
    if (!m)
        fail_msg("%s", err.text);
    return m;
}

static int number_of(const ami_library *m, int i)
{
    return atoi(strrchr(ami_library_facts(m, i)->path, '/') + 1);
}

static void the_index_has_the_facts(void **state)
{
    (void)state;
    ami_library *m = open_library(0);
    assert_int_equal(ami_library_count(m), CLIPS);
    for (int i = 0; i < CLIPS; i++) {
        const ami_library_clip *c = ami_library_facts(m, i);
        const int number = number_of(m, i);
        assert_int_equal(c->frames, 4 + number % 5);
        assert_int_equal(c->loop, number % 3 == 0);
        assert_true(fabs(c->duration - (c->frames - 1) / 30.) < 1e-9);
        assert_true(i == 0 || strcmp(ami_library_facts(m, i - 1)->path, c->path) < 0);
    }
    assert_int_equal(ami_library_find(m, ami_library_facts(m, 777)->path), 777);
    assert_int_equal(ami_library_find(m, "nowhere.txt"), -1);
    assert_int_equal(ami_library_stats_of(m).read, 0);
    ami_library_destroy(m);
}

static void clips_are_drawn_by_their_duration(void **state)
{
    (void)state;
    enum { N = 200000 };
    ami_library *m = open_library(0);
    double drawn[9] = {0}, all[9] = {0}, sum = 0;
    for (int i = 0; i < CLIPS; i++) {
        all[ami_library_facts(m, i)->frames] += ami_library_facts(m, i)->duration;
        sum += ami_library_facts(m, i)->duration;
    }
    for (int k = 0; k < N; k++)
        drawn[ami_library_facts(m, ami_library_pick(m, (k + .5) / N))->frames]++;
    for (int frames = 4; frames <= 8; frames++)
        assert_true(fabs(drawn[frames] / N - all[frames] / sum) < .002);
    assert_int_equal(ami_library_pick(m, 0), 0);
    assert_int_equal(ami_library_pick(m, nextafter(1, 0)), CLIPS - 1);
    ami_library_destroy(m);
}

/* ---- The cache ---- */

typedef struct drawer {
    ami_library *library;
    int number;
    uint32_t crc; /* of what was drawn */
    bool ok;
} drawer;

/* Holds up to four clips at a time. */
static void *draw(void *context)
{
    drawer *d = context;
    ami_rng rng = ami_rng_seed(3, (uint64_t)d->number);
    int held[4] = {-1, -1, -1, -1};
    d->ok = true;
    for (int k = 0; k < DRAWS; k++) {
        ami_error err;
        const double u = ami_rng_uniform(&rng);
        /* a quarter from a few clips, so that threads meet */
        const int i = k % 4 ? ami_library_pick(d->library, u) : (int)(u * 8);
        if (held[k % 4] >= 0)
            ami_library_give(d->library, held[k % 4]);
        held[k % 4] = i;
        const ami_clip *clip = ami_library_take(d->library, i, &err);
        if (!clip || ami_clip_crc(clip) != ami_library_facts(d->library, i)->crc)
            return d->ok = false, NULL;
        const uint32_t crc = ami_clip_crc(clip);
        d->crc = ami_crc32c(d->crc, &crc, sizeof crc);
    }
    for (int k = 0; k < 4; k++)
        ami_library_give(d->library, held[k]);
    return NULL;
}

static void the_cache_stays_within_its_bytes(void **state)
{
    (void)state;
    enum { CLIP = 8 * (1 + AMI_POSE + AMI_VEL) * sizeof(double), LIMIT = 100 * CLIP };
    uint32_t crc[2][THREADS];
    for (int round = 0; round < 2; round++) { /* the second time all fit: the same is drawn */
        ami_library *m = open_library(round ? CLIPS * (size_t)CLIP : LIMIT);
        drawer d[THREADS];
        pthread_t thread[THREADS];
        for (int t = 0; t < THREADS; t++) {
            d[t] = (drawer){.library = m, .number = t};
            assert_int_equal(pthread_create(&thread[t], NULL, draw, &d[t]), 0);
        }
        for (int t = 0; t < THREADS; t++) {
            pthread_join(thread[t], NULL);
            assert_true(d[t].ok);
            crc[round][t] = d[t].crc;
        }
        const ami_library_stats s = ami_library_stats_of(m);
        assert_int_equal(s.taken, THREADS * DRAWS);
        if (round == 0) {
            assert_true(s.most_bytes <= LIMIT && s.most_bytes > LIMIT / 2);
            assert_true(s.read > s.taken / 2 && s.read < s.taken * 9 / 10);
        } else {
            assert_true(s.read < CLIPS && s.bytes == s.most_bytes);
        }
        ami_library_destroy(m);
    }
    assert_memory_equal(crc[0], crc[1], sizeof *crc);
}

static void the_longest_unused_goes_first(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_library *m = open_library(0);
    size_t bytes = 0;
    for (int i = 0; i < 3; i++)
        bytes += (size_t)ami_library_facts(m, i)->frames * (1 + AMI_POSE + AMI_VEL) * sizeof(double);
    ami_library_destroy(m);
    m = open_library(bytes);
    static const int taken[] = {0, 1, 2, 0, 3, 0, 1}; /* 3 drives out 1 (and 2, if it is larger), not 0 */
    int64_t read[7];
    for (int k = 0; k < 7; k++) {
        assert_non_null(ami_library_take(m, taken[k], &err));
        ami_library_give(m, taken[k]);
        read[k] = ami_library_stats_of(m).read;
    }
    assert_true(read[2] == 3 && read[3] == 3 && read[4] == 4 && read[5] == 4 && read[6] == 5);
    /* What is held stays, whatever the bound. */
    for (int i = 10; i < 20; i++)
        assert_non_null(ami_library_take(m, i, &err));
    const ami_clip *held = ami_library_take(m, 10, &err);
    assert_true(ami_library_stats_of(m).read == 15 && ami_clip_crc(held) == ami_library_facts(m, 10)->crc);
    assert_true(ami_library_stats_of(m).bytes > bytes);
    ami_library_give(m, 10);
    for (int i = 10; i < 20; i++)
        ami_library_give(m, i);
    assert_true(ami_library_stats_of(m).bytes <= bytes);
    ami_library_destroy(m);
}

/* ---- What is refused ---- */

static void changed_clips_are_refused(void **state)
{
    (void)state;
    char path[256], text[256];
    ami_error err = {""};
    ami_library *m = open_library(1 << 20);
    const uint32_t crc = ami_library_crc(m);
    snprintf(path, sizeof path, "%s/%s", folder, ami_library_facts(m, 5)->path);
    const int number = number_of(m, 5);
    write_clip(path, number + CLIPS);
    assert_null(ami_library_take(m, 5, &err));
    assert_non_null(strstr(err.text, "has changed since the index was made"));
    assert_non_null(strstr(err.text, ami_library_facts(m, 5)->path));
    assert_int_equal(ami_library_write_index(folder, index_path, &err), CLIPS);
    ami_library *other = open_library(1 << 20);
    assert_true(ami_library_crc(other) != crc);
    ami_library_destroy(other);
    unlink(path);
    assert_null(ami_library_take(m, 5, &err));
    write_clip(path, number);
    assert_non_null(ami_library_take(m, 5, &err));
    ami_library_give(m, 5);
    ami_library_destroy(m);
    static const struct {
        const char *text, *sentence;
    } bad[] = {
        {"walk\n", "not an index"},
        {"amble-library 1\n", "0 whole lines"},
        {"amble-library 1\n00000000\t4\t0\t1\ta.txt", "0 whole lines"},
        {"amble-library 1\n00000000\t4\t0\t1\ta.txt\n0\t4\t0\t1\tb.txt\n", "line 3 is not a motion"},
        {"amble-library 1\n00000000\t0\t0\t1\ta.txt\n", "line 2 is not a motion"},
        {"amble-library 1\n00000000\t4\t2\t1\ta.txt\n", "line 2 is not a motion"},
        {"amble-library 1\n00000000\t4\t0\tnan\ta.txt\n", "line 2 is not a motion"},
        {"amble-library 1\n00000000\t4\t0\t1 s\ta.txt\n", "line 2 is not a motion"},
        {"amble-library 1\n00000000\t4\t0\t1\t/etc/a.txt\n", "line 2 is not a motion"},
        {"amble-library 1\n00000000\t4\t0\t1\t../a.txt\n", "line 2 is not a motion"},
        {"amble-library 1\n00000000\t4\t0\t1\ta\n00000000\t4\t0\t1\ta\n", "line 3: a is there twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "%s", scratch("bad.txt"));
        assert_true(ami_file_write(text, bad[i].text, strlen(bad[i].text), &err));
        assert_null(ami_library_open(text, 0, &err));
        if (!strstr(err.text, bad[i].sentence) || !strstr(err.text, "bad.txt"))
            fail_msg("case %zu: \"%s\"", i, err.text);
    }
    assert_null(ami_library_open(scratch("nowhere.txt"), 0, &err));
    assert_int_equal(ami_library_write_index(scratch("nowhere"), scratch("i.txt"), &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_has_the_facts),
        cmocka_unit_test(clips_are_drawn_by_their_duration),
        cmocka_unit_test(the_cache_stays_within_its_bytes),
        cmocka_unit_test(the_longest_unused_goes_first),
        cmocka_unit_test(changed_clips_are_refused),
    };
    return cmocka_run_group_tests(tests, make_clips, remove_scratch);
}
