/* For tests of fits: a folder of synthetic clips to fit on. */
#ifndef AMI_TESTS_FITS_H
#define AMI_TESTS_FITS_H

#include "tests/gaits.h"

#include "learn/fit_data.h"

#include <sys/stat.h>

static inline void write_clip(const char *folder, const stride *s, const char *name)
{
    char path[256];
    ami_error err = {""};
    ami_clip *clip = walk_clip(s, name);
    snprintf(path, sizeof path, "%s/%s.txt", folder, name);
    if (!ami_clip_write(clip, path, &err))
        fail_msg("%s", err.text);
    ami_clip_destroy(clip);
}

/* Two loops that walk, a long walk, a short one, and one that does not repeat. */
static inline const char *clips_folder(void)
{
    static char folder[160];
    if (folder[0])
        return folder;
    snprintf(folder, sizeof folder, "%s", scratch("clips"));
    assert_int_equal(mkdir(folder, 0700), 0);
    const stride amble = {1.2, .5, .3, 1, 0, 0, true, false}, hurry = {.8, .7, .35, 1, 0, 0, true, false};
    const stride far = {1.0, .55, .3, 12, 1, 0, false, false}, near = {1.1, .4, .3, 6, 1, 0, false, false},
                 once = {1.1, .5, .3, 1, 1, 0, false, false};
    write_clip(folder, &amble, "amble");
    write_clip(folder, &hurry, "hurry");
    write_clip(folder, &far, "far");
    write_clip(folder, &near, "near");
    write_clip(folder, &once, "once");
    return folder;
}

static inline ami_fit_data *read_data(const ami_character *character, const char *hold_out)
{
    ami_error err = {""};
    ami_fit_data *d = ami_fit_data_read(&character->skeleton, clips_folder(), hold_out, &err);
    if (!d)
        fail_msg("%s", err.text);
    return d;
}

#endif
