/* Where a motion repeats: strikes, the parts of a loop, cycles, amplitude. Everything here reads the tables
 * through gait.c. */
#include "motion/gait_find.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_PARTS = 8, PROBES = 240, STRIKE_RATE = 240 };
static const double rest = .1; /* s below off_contact before a strike counts */
static const double on_contact = .5, off_contact = .3;
static const double repeats = .3;         /* of the difference of random moments: a part of a loop like the
                                             next */
static const double repeats_roughly = .6; /* the same where the parts are more alike than a part's halves, */
static const double comes_back = 1.5;     /* by this factor: cycles of one who was pushed or limps on */
static const double same = .4, other = 1; /* the same for amplitude 1 and 0 */

/* ---- Strikes ---- */

typedef struct strike {
    double t, swing; /* s: when, and how long the foot had been away */
} strike;

static double contact_at(const ami_gait *g, double t, bool right)
{
    float f[AMI_FEATURES];
    ami_gait_sample(g, t, f, NULL);
    const float *c = f + AMI_FEATURE_CONTACT + 2 * right;
    return (double)fmaxf(c[0], c[1]);
}

/* All strikes of a foot in [0, duration); at most `capacity`. A loop is gone through twice, as the swing may
 * have begun before its start. */
static int find_strikes(const ami_gait *g, bool right, strike *out, int room)
{
    const int n = (int)ceil(g->duration * STRIKE_RATE);
    const double dt = g->duration / n;
    int count = 0, away = 0;
    double before = contact_at(g, g->loops ? -g->duration : 0, right);
    for (int i = g->loops ? -n : 0; i < n; i++) {
        const double now = contact_at(g, i * dt, right);
        if (now < off_contact)
            away++;
        if (now >= on_contact) {
            const double t =
                (i - (now > before && before < on_contact ? (now - on_contact) / (now - before) : 0)) * dt;
            if (away * dt >= rest && t >= 0 && count < room)
                out[count++] = (strike){t, away * dt};
            away = 0;
        }
        before = now;
    }
    return count;
}

static const strike *longest_swing(const strike *s, int n)
{
    const strike *best = NULL;
    for (int i = 0; i < n; i++)
        if (!best || s[i].swing > best->swing)
            best = &s[i];
    return best;
}

/* ---- Likeness ---- */

/* Σ over points |a - b|² */
static double apart(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < 3 * AMI_POINTS; i++)
        sum += (double)((a[i] - b[i]) * (a[i] - b[i]));
    return sum;
}

/* √2 times the root mean square distance from the mean: what two random moments in [from, to] differ by. */
static double random_difference(const ami_gait *g, double from, double to)
{
    float mean[AMI_FEATURES] = {0}, f[AMI_FEATURES];
    double sum = 0;
    for (int i = 0; i < PROBES; i++) {
        ami_gait_sample(g, from + (to - from) * i / PROBES, f, NULL);
        for (int k = 0; k < AMI_FEATURES; k++)
            mean[k] += f[k] / PROBES;
    }
    for (int i = 0; i < PROBES; i++) {
        ami_gait_sample(g, from + (to - from) * i / PROBES, f, NULL);
        sum += apart(f, mean) / PROBES;
    }
    return sqrt(2 * sum);
}

/* What a moment and that `later` seconds after it differ by, root mean square over the loop. */
static double difference_after(const ami_gait *g, double later)
{
    double sum = 0;
    for (int i = 0; i < PROBES; i++) {
        float a[AMI_FEATURES], b[AMI_FEATURES];
        const double t = g->duration * i / PROBES;
        ami_gait_sample(g, t, a, NULL);
        ami_gait_sample(g, t + later, b, NULL);
        sum += apart(a, b) / PROBES;
    }
    return sqrt(sum);
}

static int parts_of_loop(const ami_gait *g)
{
    const double random = random_difference(g, 0, g->duration);
    int parts = 1;
    for (int k = 2; k <= MAX_PARTS; k++) {
        const double whole = difference_after(g, g->duration / k);
        if (whole < repeats * random || (whole < repeats_roughly * random &&
                                         comes_back * whole < difference_after(g, g->duration / k / 2)))
            parts = k;
    }
    return parts;
}

/* ---- Analysis ---- */

static double ankle_foremost(const ami_gait *g)
{
    double best = 0;
    float most = -INFINITY;
    for (int i = 0; i < g->frames - 1; i++) {
        const float x = g->feature[(size_t)i * AMI_FEATURES + 3 * (AMI_POINT_LEFT + AMI_POINT_ANKLE)];
        if (x > most) {
            most = x;
            best = g->duration * i / (g->frames - 1);
        }
    }
    return best;
}

static bool upright_and_moving(const ami_gait *g)
{
    double speed = 0;
    for (int i = 0; i < g->frames; i++) {
        const float *f = g->feature + (size_t)i * AMI_FEATURES;
        if (f[2] < .5f || f[3 * AMI_POINT_NECK + 2] < f[2])
            return false;
        speed += (double)hypotf(f[AMI_FEATURE_FORWARD], f[AMI_FEATURE_LEFT]) / g->frames;
    }
    return speed > .2;
}

static bool analyse_loop(ami_gait *g, const strike *left, int lefts, const strike *right, int rights,
                         ami_error *err)
{
    const int parts = parts_of_loop(g);
    const strike *first = longest_swing(left, lefts), *second = longest_swing(right, rights);
    if (!ami_gait_room(g, parts + 1, err))
        return false;
    g->strikes = parts + 1;
    g->period = g->duration / parts;
    const double zero = first ? first->t : ankle_foremost(g);
    for (int k = 0; k <= parts; k++) {
        g->strike[k] = zero + k * g->period;
        g->whole[k] = k < parts;
        for (int i = 0; i < lefts && k > 0 && k < parts; i++) {
            double off = left[i].t - g->strike[k];
            off -= g->duration * round(off / g->duration);
            if (fabs(off) < .2 * g->period)
                g->strike[k] += off; /* that cycle's own strike */
        }
    }
    for (int i = 0; i < g->frames; i++)
        g->amplitude[i] = 1;
    const double between = first && second ? (second->t - first->t) / g->period : 0;
    const double at = between - floor(between);
    g->walks = at > .25 && at < .75 && upright_and_moving(g);
    return true;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Difference to the same phase one cycle before or after, whichever is less; INFINITY where there is neither.
 */
static double unlike(const ami_gait *g, int c, double phase)
{
    float now[AMI_FEATURES], there[AMI_FEATURES];
    double least = INFINITY;
    ami_gait_sample(g, ami_gait_time(g, c, phase), now, NULL);
    for (int side = -1; side <= 1; side += 2) {
        if (c + side < 0 || c + side > g->strikes - 2 || !g->whole[c + side])
            continue;
        ami_gait_sample(g, ami_gait_time(g, c + side, phase), there, NULL);
        least = fmin(least, sqrt(apart(now, there)));
    }
    return least;
}

static void measure_amplitude(ami_gait *g)
{
    const double random = random_difference(g, g->strike[0], g->strike[g->strikes - 1]);
    for (int i = 0; i < g->frames; i++) {
        double t = g->duration * i / (g->frames - 1);
        const int c = ami_gait_cycle(g, &t);
        const double u = (t - g->strike[c]) / (g->strike[c + 1] - g->strike[c]);
        double sum = 0, n = 0;
        if (!g->whole[c] || u < -1 || u > 2)
            continue;
        for (int k = -4; k <= 4; k++) {
            const double at = u + k / 16.;
            if (ami_gait_time(g, c, at) < 0 || ami_gait_time(g, c, at) > g->duration)
                continue;
            /* in front of the first cycle and behind the last, that cycle itself is the neighbour */
            double d;
            if ((u < 0 && c == 0) || (u > 1 && c == g->strikes - 2)) {
                float a[AMI_FEATURES], b[AMI_FEATURES];
                ami_gait_sample(g, ami_gait_time(g, c, at), a, NULL);
                ami_gait_sample(g, ami_gait_time(g, c, at + (u < 0 ? 1 : -1)), b, NULL);
                d = sqrt(apart(a, b));
            } else {
                d = unlike(g, c, at);
            }
            if (isfinite(d))
                sum += d, n++;
        }
        const double ratio = n > 0 ? sum / n / fmax(random, 1e-9) : INFINITY;
        g->amplitude[i] = (float)fmin(fmax((other - ratio) / (other - same), 0), 1);
    }
}

static bool analyse_rest(ami_gait *g, const strike *left, int lefts, const strike *right, int rights,
                         ami_error *err)
{
    if (!ami_gait_room(g, lefts + 1, err))
        return false;
    double *length = calloc((size_t)lefts + 1, sizeof *length);
    if (!length)
        return ami_fail(err, "%s: out of memory for %d cycles", g->name, lefts);
    int cycles = 0;
    for (int i = 0; i + 1 < lefts; i++) {
        bool turn = false;
        for (int k = 0; k < rights; k++)
            turn |= right[k].t > left[i].t && right[k].t < left[i + 1].t;
        g->whole[i] = turn;
        if (turn)
            length[cycles++] = left[i + 1].t - left[i].t;
    }
    qsort(length, (size_t)cycles, sizeof *length, compare_doubles);
    const double median = cycles ? length[cycles / 2] : 0;
    free(length);
    if (cycles < 3)
        return true; /* nothing repeats */
    g->strikes = lefts;
    g->period = median;
    for (int i = 0; i < lefts; i++) {
        g->strike[i] = left[i].t;
        const double span = i + 1 < lefts ? left[i + 1].t - left[i].t : 0;
        g->whole[i] &= span > .5 * median && span < 2 * median;
    }
    measure_amplitude(g);
    g->walks = upright_and_moving(g);
    return true;
}

bool ami_gait_find(ami_gait *gait, ami_error *err)
{
    AMI_ASSERT(gait && gait->feature && gait->frames >= 2);
    const int room = (int)(gait->duration / rest) + 2;
    strike *left = calloc(2 * (size_t)room, sizeof *left), *right = left ? left + room : NULL;
    if (!left)
        return ami_fail(err, "%s: out of memory for %d strikes", gait->name, room);
    const int lefts = find_strikes(gait, false, left, room), rights = find_strikes(gait, true, right, room);
    const bool ok = gait->loops ? analyse_loop(gait, left, lefts, right, rights, err)
                                : analyse_rest(gait, left, lefts, right, rights, err);
    free(left);
    return ok;
}
