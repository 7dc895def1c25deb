/* Motions as tables of features: sampled, and what phase they are in. Made in gait_make.c. */
#include "motion/gait_find.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>

void ami_gait_destroy(ami_gait *gait)
{
    if (!gait)
        return;
    ami_clip_destroy(gait->clip);
    free(gait->name);
    free(gait->strike);
    free(gait->whole);
    free(gait->feature);
    free(gait->phase);
    free(gait->amplitude);
    free(gait);
}

/* ---- Tables ---- */

/* Where t falls among a table's frames. */
static size_t place(const ami_gait *g, double t, float *share)
{
    double u = g->loops ? t / g->duration - floor(t / g->duration) : fmin(fmax(t / g->duration, 0), 1);
    u *= g->frames - 1;
    const int i = (int)fmin(floor(u), g->frames - 2);
    *share = (float)(u - i);
    return (size_t)i;
}

static void mix(const float *restrict a, const float *restrict b, float share, int n, float *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = a[i] + share * (b[i] - a[i]);
}

void ami_gait_sample(const ami_gait *gait, double t, float feature[AMI_FEATURES],
                     float phase_feature[AMI_PHASE_FEATURES])
{
    AMI_ASSERT(gait && isfinite(t));
    float share;
    const size_t i = place(gait, t, &share);
    if (feature)
        mix(gait->feature + i * AMI_FEATURES, gait->feature + (i + 1) * AMI_FEATURES, share, AMI_FEATURES,
            feature);
    if (phase_feature)
        mix(gait->phase + i * AMI_PHASE_FEATURES, gait->phase + (i + 1) * AMI_PHASE_FEATURES, share,
            AMI_PHASE_FEATURES, phase_feature);
}

double ami_gait_amplitude(const ami_gait *gait, double t)
{
    AMI_ASSERT(gait && isfinite(t));
    float share;
    const size_t i = place(gait, t, &share);
    return (double)(gait->amplitude[i] + share * (gait->amplitude[i + 1] - gait->amplitude[i]));
}

void ami_gait_window(const ami_gait *gait, double t0, double scale, int n, float *window)
{
    AMI_ASSERT(gait && isfinite(t0) && scale > 0 && n >= 0 && window);
    for (int i = 0; i < n; i++) {
        float *frame = window + (size_t)i * AMI_FEATURES;
        ami_gait_sample(gait, t0 + scale * i / AMI_FEATURE_RATE, frame, NULL);
        for (int k = AMI_FEATURE_FORWARD; k <= AMI_FEATURE_YAW_RATE; k++)
            frame[k] *= (float)scale;
    }
}

/* ---- Phase ---- */

int ami_gait_cycle(const ami_gait *gait, double *t)
{
    AMI_ASSERT(gait && gait->strikes >= 2 && isfinite(*t));
    if (gait->loops)
        *t -= gait->duration * floor((*t - gait->strike[0]) / gait->duration);
    int lo = 0, hi = gait->strikes - 2;
    while (lo < hi) {
        const int mid = (lo + hi + 1) / 2;
        if (gait->strike[mid] <= *t)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

double ami_gait_phase(const ami_gait *gait, double t)
{
    AMI_ASSERT(gait && isfinite(t));
    if (gait->strikes < 2)
        return 0;
    const int c = ami_gait_cycle(gait, &t);
    const double u = (t - gait->strike[c]) / (gait->strike[c + 1] - gait->strike[c]), phase = u - floor(u);
    return phase < 1 ? phase : 0;
}

double ami_gait_time(const ami_gait *gait, int cycle, double phase)
{
    AMI_ASSERT(gait && cycle >= 0 && cycle < gait->strikes - 1 && isfinite(phase));
    double cycles = floor(phase);
    phase -= cycles;
    for (; cycles > 0 && (gait->loops || cycle + 2 < gait->strikes); cycles--)
        cycle++;
    for (; cycles < 0 && (gait->loops || cycle > 0); cycles++)
        cycle--;
    const int n = gait->strikes - 1;
    const int turn = gait->loops ? (int)floor((double)cycle / n) : 0, at = cycle - turn * n;
    return turn * gait->duration + gait->strike[at] +
           (phase + cycles) * (gait->strike[at + 1] - gait->strike[at]);
}

bool ami_gait_room(ami_gait *gait, int n, ami_error *err)
{
    AMI_ASSERT(gait && n >= 1);
    gait->strike = calloc((size_t)n + 1, sizeof *gait->strike);
    gait->whole = calloc((size_t)n + 1, sizeof *gait->whole);
    return (gait->strike && gait->whole) || ami_fail(err, "%s: out of memory for %d cycles", gait->name, n);
}

double ami_gait_scale(const ami_gait *gait)
{
    AMI_ASSERT(gait);
    return fmax(1, gait->period / AMI_GAIT_LONGEST);
}
