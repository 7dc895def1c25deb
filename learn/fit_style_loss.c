/* The loss of a decoded window: a quadratic form of its error, so one pass gives value and derivative. */
#include "learn/fit_state.h"

#include <math.h>
#include <string.h>

enum { N = AMI_STYLE_FRAMES, F = AMI_FEATURES, P3 = 3 * AMI_POINTS };
static const float rate = (float)AMI_FEATURE_RATE;
/* 1 / tolerance² */
static const float w_point = 1 / (.03f * .03f), w_speed = 1 / (.05f * .05f), w_yaw = 1 / (.2f * .2f),
                   w_contact = 1 / (.15f * .15f);
static const float w_velocity = 1 / (.5f * .5f), w_sole = 1 / (.2f * .2f);

/* Errors of one frame. */
static void frame_part(const float *e, float *d, double term[AMI_FIT_TERMS])
{
    float points = 0, contacts = 0;
    for (int k = 0; k < P3; k++) {
        points += w_point * e[k] * e[k];
        d[k] += 2 * w_point * e[k];
    }
    const float speed = w_speed * (e[AMI_FEATURE_FORWARD] * e[AMI_FEATURE_FORWARD] +
                                   e[AMI_FEATURE_LEFT] * e[AMI_FEATURE_LEFT]);
    d[AMI_FEATURE_FORWARD] += 2 * w_speed * e[AMI_FEATURE_FORWARD];
    d[AMI_FEATURE_LEFT] += 2 * w_speed * e[AMI_FEATURE_LEFT];
    d[AMI_FEATURE_YAW_RATE] += 2 * w_yaw * e[AMI_FEATURE_YAW_RATE];
    for (int k = AMI_FEATURE_CONTACT; k < AMI_FEATURE_CONTACT + 4; k++) {
        contacts += w_contact * e[k] * e[k];
        d[k] += 2 * w_contact * e[k];
    }
    term[0] += (double)points;
    term[1] += (double)(speed + w_yaw * e[AMI_FEATURE_YAW_RATE] * e[AMI_FEATURE_YAW_RATE]);
    term[2] += (double)contacts;
}

/* Errors of the points' velocities from this frame to the next, in the moving frame. */
static void velocity_part(const float *e, float *d, double term[AMI_FIT_TERMS])
{
    float sum = 0;
    for (int k = 0; k < P3; k++) {
        const float v = rate * (e[F + k] - e[k]), g = 2 * w_velocity * v * rate;
        sum += w_velocity * v * v;
        d[k] -= g;
        d[F + k] += g;
    }
    term[3] += (double)sum;
}

/* Errors of the ground velocity of soles in contact. The velocity of a point p in a frame that moves with v
 * and turns with w is ṗ + v + w × p; the error of the product is linearised. */
static void sole_part(const float *x, const float *e, float *d, double term[AMI_FIT_TERMS])
{
    const float yaw = x[AMI_FEATURE_YAW_RATE];
    for (int s = 0; s < 4; s++) {
        const float c = fminf(x[AMI_FEATURE_CONTACT + s], x[F + AMI_FEATURE_CONTACT + s]);
        if (c <= 0)
            continue;
        const int p = 3 * ami_sole_point[s];
        const float ex = rate * (e[F + p] - e[p]) + e[AMI_FEATURE_FORWARD] - yaw * e[p + 1] -
                         e[AMI_FEATURE_YAW_RATE] * x[p + 1];
        const float ey = rate * (e[F + p + 1] - e[p + 1]) + e[AMI_FEATURE_LEFT] + yaw * e[p] +
                         e[AMI_FEATURE_YAW_RATE] * x[p];
        const float ez = rate * (e[F + p + 2] - e[p + 2]);
        const float w = c * w_sole, gx = 2 * w * ex, gy = 2 * w * ey, gz = 2 * w * ez;
        term[4] += (double)(w * (ex * ex + ey * ey + ez * ez));
        d[F + p] += rate * gx, d[F + p + 1] += rate * gy, d[F + p + 2] += rate * gz;
        d[p] += yaw * gy - rate * gx;
        d[p + 1] -= yaw * gx + rate * gy;
        d[p + 2] -= rate * gz;
        d[AMI_FEATURE_FORWARD] += gx;
        d[AMI_FEATURE_LEFT] += gy;
        d[AMI_FEATURE_YAW_RATE] += gy * x[p] - gx * x[p + 1];
    }
}

double fit_style_loss(const float *y, const float *target, const float *mean, const float *std, float *dy,
                      double term[AMI_FIT_TERMS])
{
    float e[N * F], d[N * F];
    memset(d, 0, sizeof d);
    memset(term, 0, AMI_FIT_TERMS * sizeof *term);
    for (int t = 0; t < N; t++)
        for (int k = 0; k < F; k++)
            e[t * F + k] = y[t * F + k] * std[k] + mean[k] - target[t * F + k];
    for (int t = 0; t < N; t++) {
        frame_part(e + t * F, d + t * F, term);
        if (t + 1 < N) {
            velocity_part(e + t * F, d + t * F, term);
            sole_part(target + t * F, e + t * F, d + t * F, term);
        }
    }
    double loss = 0;
    for (int k = 0; k < 5; k++)
        loss += term[k] /= N;
    for (int t = 0; t < N; t++)
        for (int k = 0; k < F; k++)
            dy[t * F + k] = d[t * F + k] * std[k] / N;
    return loss;
}
