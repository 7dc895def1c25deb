/* A library of clips on disk: an index of a folder, and a cache of the clips that are in use. Tens of thousands of clips are sampled
 * without all of them in memory.
 *
 *   ami_library_write_index("clips", "clips/index.txt", &err);           once, and after a change of the folder
 *   ami_library *library = ami_library_open("clips/index.txt", 64 << 20, &err);
 *   const int i = ami_library_pick(library, ami_rng_uniform(&rng));      the same for the same number, whatever is cached
 *   const ami_clip *clip = ami_library_take(library, i, &err);
 *   ...
 *   ami_library_give(library, i);
 *
 * The index is text: a line "amble-library 1", then of each clip its checksum, frames, loop, duration in s and path below the index's
 * folder, with tabs between them, in the order of the paths. All facts come from there: nothing is read before a clip is taken.
 *
 * All functions but create and destroy may be called by several threads at once. */
#ifndef AMI_MOTION_LIBRARY_H
#define AMI_MOTION_LIBRARY_H

#include "motion/clip.h"

enum { AMI_LIBRARY_MAX = 1 << 20 }; /* clips */

typedef struct ami_library ami_library;

/* Reads every motion in the folder and in those in it (not behind links to folders) and writes the index, which must be in the folder
 * and is no motion itself. Returns the number of clips; -1 and a sentence on error: also where one of the motions is bad. */
int ami_library_write_index(const char *folder, const char *index, ami_error *err);

/* cache_bytes: of clips in memory that nobody holds, and those that are held; more only where those that are held need it. NULL and a
 * sentence on error. */
ami_library *ami_library_open(const char *index, size_t cache_bytes, ami_error *err);
void ami_library_destroy(ami_library *library); /* NULL is fine; nobody may hold a clip */

typedef struct ami_library_clip {
    const char *path; /* below the index's folder */
    uint32_t crc;     /* ami_clip_crc */
    int frames;
    bool loop;
    double duration; /* s */
} ami_library_clip;

int ami_library_count(const ami_library *library);
const ami_library_clip *ami_library_facts(const ami_library *library, int clip);

/* -1: there is none of that path. */
int ami_library_find(const ami_library *library, const char *path);

/* Changes with every clip and with their order: for checkpoints. */
uint32_t ami_library_crc(const ami_library *library);

/* `uniform` in [0, 1): a clip, drawn in proportion to its duration. */
int ami_library_pick(const ami_library *library, double uniform);

/* The clip, from the cache or from its file, until ami_library_give is called as often. NULL and a sentence if it cannot be read, or is not
 * what the index says. While a thread reads a clip, others that take it wait, and those that take others do not. */
const ami_clip *ami_library_take(ami_library *library, int clip, ami_error *err);
void ami_library_give(ami_library *library, int clip);

typedef struct ami_library_stats {
    int64_t taken, read;      /* calls of take; those that read a file */
    size_t bytes, most_bytes; /* of the clips in memory, now and at most */
} ami_library_stats;

ami_library_stats ami_library_stats_of(ami_library *library);

#endif
