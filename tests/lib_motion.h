/* For tests of libamble's clip.h, phase.h and style.h. To be included by one file of a program. */
#ifndef AMI_TESTS_LIB_MOTION_H
#define AMI_TESTS_LIB_MOTION_H

#include <amble/clip.h>

#include "tests/allocations.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BODIES = 15, POSE = 43, VELOCITY = 34 }; /* of the humanoid, as skeleton_info gives them */

__attribute__((unused)) static int asserted;

__attribute__((unused)) static void count_assertion(void *context, const char *condition,
                                                    const char *function)
{
    (void)context;
    assert_non_null(condition);
    assert_non_null(function);
    asserted++;
}

__attribute__((unused)) static void expect_sentence(const char *part)
{
    if (!strstr(amb_error_message(), part))
        fail_msg("\"%s\" is not in the sentence \"%s\"", part, amb_error_message());
}

/* A result, with its sentence where it is another one. */
#define expect(call, result) expect_result(call, result, #call)

__attribute__((unused)) static void expect_result(amb_result found, amb_result expected, const char *call)
{
    if (found != expected)
        fail_msg("%s is %s, expected %s (%s)", call, amb_result_name(found), amb_result_name(expected),
                 amb_error_message());
}

__attribute__((unused)) static const amb_skeleton *humanoid(void)
{
    const amb_skeleton *skeleton;
    expect(amb_skeleton_humanoid(&skeleton), AMB_OK);
    return skeleton;
}

/* One of the motions that amble ships, each a loop of one cycle. */
__attribute__((unused)) static amb_clip *shipped(const char *name)
{
    amb_clip *clip;
    expect(amb_clip_load(name, "assets/motions", &clip), AMB_OK);
    return clip;
}

__attribute__((unused)) static amb_clip_info info_of_clip(const amb_clip *clip)
{
    amb_clip_info info = {.size = sizeof info};
    expect(amb_clip_get_info(clip, &info), AMB_OK);
    return info;
}

#endif
