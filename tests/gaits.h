/* Synthetic walking motions: legs lifted in turn while the root moves forward slowly. */
#ifndef AMI_TESTS_GAITS_H
#define AMI_TESTS_GAITS_H

#include "tests/policy.h"

#include "motion/gait.h"

typedef struct stride {
    double period, lift, speed; /* s, rad, m/s */
    int cycles;                 /* in the clip */
    double stand;               /* s of standing still at its end */
    double lean;                /* rad that the chest turns, and a tenth of it in m that the root sinks: a
                                   seam that does not close */
    bool loop;
    bool tremble; /* the left foot leaves the ground for a moment while it stands */
} stride;

/* The right leg is up in the first half of each cycle, the left one in the second: the left foot comes down
 * as a cycle ends. */
static inline ami_clip *walk_clip(const stride *s, const char *name)
{
    const int moving = (int)(s->period * s->cycles * 60 + .5), frames = moving + (int)(s->stand * 60) + 1;
    double *time = malloc((size_t)frames * (1 + AMI_POSE) * sizeof *time), *pose = time + frames;
    ami_error err = {""};
    for (int f = 0; f < frames; f++) {
        double *p = pose + f * AMI_POSE;
        const double cycle = f < moving ? (double)f / moving * s->cycles : s->cycles;
        time[f] = f < moving ? s->period * cycle : s->period * s->cycles + (f - moving) / 60.;
        pose_at_rest(p, .881416);
        p[0] = s->speed * fmin(time[f], s->period * s->cycles);
        p[2] -= .1 * s->lean * f / (frames - 1);
        turn_about(p + pose_at[AMI_CHEST], 0, 1, 0, s->lean * f / (frames - 1));
        for (int side = 0; side < 2; side++) {
            const double swing = sin(2 * M_PI * cycle + side * M_PI), at = cycle - floor(cycle);
            const double up = s->tremble && side && at > .25 && at < .29 ? .4 : s->lift * fmax(swing, 0);
            const int hip = side ? AMI_LEFT_HIP : AMI_RIGHT_HIP;
            turn_about(p + pose_at[hip], 0, 0, 1, up);
            p[pose_at[hip + 1]] = -2 * up;
            turn_about(p + pose_at[hip + 2], 0, 0, 1, up);
            turn_about(p + pose_at[hip + 3], 0, 0, 1, -s->lift * swing);
            p[pose_at[hip + 4]] = .3;
        }
    }
    ami_clip *clip = ami_clip_create(frames, time, pose, s->loop, name, &err);
    if (!clip)
        fail_msg("%s", err.text);
    free(time);
    return clip;
}

static inline ami_gait *walk_gait(const ami_character *c, const stride *s, const char *name)
{
    ami_error err = {""};
    ami_clip *clip = walk_clip(s, name);
    ami_gait *gait = ami_gait_create(&c->skeleton, clip, &err);
    ami_clip_destroy(clip);
    if (!gait)
        fail_msg("%s", err.text);
    return gait;
}

/* Largest distance of a point between two frames of features, m. */
static inline double points_apart(const float *a, const float *b)
{
    double most = 0;
    for (int p = 0; p < AMI_POINTS; p++) {
        double sum = 0;
        for (int k = 0; k < 3; k++)
            sum +=
                ((double)a[3 * p + k] - (double)b[3 * p + k]) * ((double)a[3 * p + k] - (double)b[3 * p + k]);
        most = fmax(most, sqrt(sum));
    }
    return most;
}

#endif
