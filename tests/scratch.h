/* A scratch folder for a test's files, whole files, and their removal. Include it after <cmocka.h>. */
#ifndef AMI_TESTS_SCRATCH_H
#define AMI_TESTS_SCRATCH_H

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char scratch_folder[64]; /* empty until it is made */

static inline int make_scratch(void **state)
{
    (void)state;
    strcpy(scratch_folder, "/tmp/amble-test-XXXXXX");
    return mkdtemp(scratch_folder) ? 0 : -1;
}

/* The path of a file in the folder, which is made if it is not there. The last four paths stay. */
static inline const char *scratch(const char *name)
{
    static char path[4][160];
    static int turn;
    if (!scratch_folder[0])
        assert_int_equal(make_scratch(NULL), 0);
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", scratch_folder, name);
    return path[turn];
}

/* With all that is in it. */
static inline int remove_scratch(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch_folder);
    return scratch_folder[0] ? system(command) : 0;
}

/* Fails where a test, or what it tests, left something. */
static inline int remove_empty_scratch(void **state)
{
    (void)state;
    return rmdir(scratch_folder);
}

static inline void put_file(const char *path, const void *data, size_t size)
{
    unlink(path); /* some file systems flush a file that is cut to nothing and written again */
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static inline void put_text(const char *path, const char *text)
{
    put_file(path, text, strlen(text));
}

/* To be freed. */
static inline uint8_t *get_file(const char *path, size_t *size)
{
    ami_error err = {""};
    uint8_t *data = ami_file_read(path, 1 << 24, size, &err);
    if (!data)
        fail_msg("%s", err.text);
    return data;
}

#endif
