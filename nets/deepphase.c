/* DeepPhase's functions: the network's outputs as phases, and what sequences of phases say about speed and
 * period. The only networks here are nets/model.h's; features come from elsewhere (sim/). No allocation
 * outside load. */
#include "nets/deepphase.h"

#include <assert.h>
#include <math.h>

enum { BLOCK = 64 }; /* frames through the network at once */

#define TURN 6.283185307179586 /* radians in a cycle */

/* ---- Phases ---- */

/* [0, 1): a tiny negative number plus 1 rounds to 1, which is 0. */
static double fraction(double cycles)
{
    const double f = cycles - floor(cycles);
    return f < 1 ? f : 0;
}

ami_phase ami_phase_from_point(double x, double y)
{
    const double amplitude = hypot(x, y);
    return (ami_phase){x, y, amplitude > 0 ? fraction(atan2(y, x) / TURN) : 0, amplitude};
}

ami_phase ami_phase_at(double cycles, double amplitude)
{
    const double phase = fraction(cycles);
    return (ami_phase){amplitude * cos(TURN * phase), amplitude * sin(TURN * phase), phase, amplitude};
}

double ami_phase_difference(double from, double to)
{
    const double d = to - from;
    return d - ceil(d - .5);
}

/* ---- The network ---- */

bool ami_deepphase_init(ami_deepphase *deepphase, const ami_model *model, ami_error *err)
{
    *deepphase = (ami_deepphase){.model = NULL};
    const int inputs = ami_model_inputs(model), outputs = ami_model_outputs(model);
    if (inputs != AMI_DEEPPHASE_INPUTS || outputs != AMI_DEEPPHASE_OUTPUTS)
        return ami_fail(err, "a network from %d to %d numbers, expected a DeepPhase network from %d to %d",
                        inputs, outputs, AMI_DEEPPHASE_INPUTS, AMI_DEEPPHASE_OUTPUTS);
    deepphase->model = model;
    return true;
}

bool ami_deepphase_load(ami_deepphase *deepphase, const char *path, const ami_model_def *def, ami_error *err)
{
    *deepphase = (ami_deepphase){.model = NULL};
    ami_model *model = ami_model_load(path, def, err);
    if (!model)
        return false;
    if (!ami_deepphase_init(deepphase, model, err)) {
        ami_model_destroy(model);
        return ami_fail_in(err, "%s", path);
    }
    deepphase->owned = model;
    return true;
}

void ami_deepphase_free(ami_deepphase *deepphase)
{
    ami_model_destroy(deepphase->owned);
    *deepphase = (ami_deepphase){.model = NULL};
}

size_t ami_deepphase_workspace_size(const ami_deepphase *deepphase)
{
    return ami_model_workspace_size(deepphase->model, BLOCK);
}

static bool finite_features(const float *frame, int n, ami_error *err)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < AMI_DEEPPHASE_INPUTS; k++) {
            const double v = frame[(size_t)i * AMI_DEEPPHASE_INPUTS + (size_t)k];
            if (!isfinite(v))
                return ami_fail(err, "frame %d: feature %d is %g, finite ones were expected", i, k, v);
        }
    return true;
}

bool ami_deepphase_encode_batch(const ami_deepphase *deepphase, void *workspace, const float *frame, int n,
                                ami_phase *out, ami_error *err)
{
    assert(n >= 1);
    if (!finite_features(frame, n, err))
        return false;
    for (int first = 0; first < n; first += BLOCK) {
        float point[BLOCK][AMI_DEEPPHASE_OUTPUTS];
        const int rows = n - first < BLOCK ? n - first : BLOCK;
        ami_model_run(deepphase->model, workspace, frame + (size_t)first * AMI_DEEPPHASE_INPUTS, rows,
                      point[0]);
        for (int r = 0; r < rows; r++) {
            if (!isfinite(point[r][0]) || !isfinite(point[r][1]))
                return ami_fail(err, "frame %d: the network gives (%g, %g), finite numbers were expected",
                                first + r, (double)point[r][0], (double)point[r][1]);
            out[first + r] = ami_phase_from_point((double)point[r][0], (double)point[r][1]);
        }
    }
    return true;
}

bool ami_deepphase_encode(const ami_deepphase *deepphase, void *workspace, const float *frame, ami_phase *out,
                          ami_error *err)
{
    return ami_deepphase_encode_batch(deepphase, workspace, frame, 1, out, err);
}

/* ---- Trajectories ---- */

void ami_phase_unwrap(ami_phase_trajectory *trajectory)
{
    const ami_phase *p = trajectory->phase;
    const int n = trajectory->frames;
    double largest = 0, turns = 0; /* whole cycles up to `last`: the fraction is added to them, so no rounding
                                      piles up */
    int last = -1;                 /* the last frame that the next one is counted from */
    for (int i = 0; i < n; i++)
        largest = fmax(largest, p[i].amplitude);
    for (int i = 0; i < n; i++) {
        if (!(p[i].amplitude > 0)) {
            trajectory->unwrapped[i] = i == 0 ? 0 : trajectory->unwrapped[i - 1];
            continue;
        }
        if (last < 0) { /* the first one with a phase */
            for (int k = 0; k <= i; k++)
                trajectory->unwrapped[k] = p[i].phase;
            last = i;
            continue;
        }
        const double step = p[i].phase - p[last].phase, turn = turns + (step > .5 ? -1 : step <= -.5 ? 1 : 0);
        trajectory->unwrapped[i] = p[i].phase + turn;
        if (p[i].amplitude >= .1 * largest) {
            turns = turn;
            last = i;
        }
    }
}

static bool good_rate(const ami_phase_trajectory *t, ami_error *err)
{
    assert(t->frames >= 1);
    return (isfinite(t->rate) && t->rate > 0) ||
           ami_fail(err, "the rate is %g frames a second, a positive number was expected", t->rate);
}

bool ami_deepphase_encode_sequence(const ami_deepphase *deepphase, void *workspace, const float *frame,
                                   ami_phase_trajectory *trajectory, ami_error *err)
{
    if (!good_rate(trajectory, err) ||
        !ami_deepphase_encode_batch(deepphase, workspace, frame, trajectory->frames, trajectory->phase, err))
        return false;
    ami_phase_unwrap(trajectory);
    return true;
}

static bool good_trajectory(const ami_phase_trajectory *t, ami_error *err)
{
    if (!good_rate(t, err))
        return false;
    for (int i = 0; i < t->frames; i++) {
        const ami_phase *p = &t->phase[i];
        if (!isfinite(p->phase) || !isfinite(t->unwrapped[i]))
            return ami_fail(err, "frame %d: the phase is %g, unwrapped %g, finite numbers were expected", i,
                            p->phase, t->unwrapped[i]);
        if (!(isfinite(p->amplitude) && p->amplitude >= 0))
            return ami_fail(err, "frame %d: the amplitude is %g, a finite number of at least 0 was expected",
                            i, p->amplitude);
    }
    return true;
}

/* The weighted slope of `unwrapped` over the frames first .. last, in cycles a frame. Times and phases are
 * taken from the middle frame, so that a trajectory of many cycles loses no digits. */
static double slope(const ami_phase_trajectory *t, int middle, int first, int last)
{
    double w = 0, wt = 0, wp = 0, wtt = 0, wtp = 0, largest = 0;
    for (int i = first; i <= last; i++)
        largest = fmax(largest, t->phase[i].amplitude);
    if (largest <= 0)
        return 0;
    for (int i = first; i <= last; i++) {
        const double a = t->phase[i].amplitude / largest, weight = a * a;
        const double time = i - middle, phase = t->unwrapped[i] - t->unwrapped[middle];
        w += weight;
        wt += weight * time;
        wp += weight * phase;
        wtt += weight * time * time;
        wtp += weight * time * phase;
    }
    const double spread = w * wtt - wt * wt; /* 0 where one frame has all the weight */
    return spread > 1e-12 * w * wtt ? (w * wtp - wt * wp) / spread : 0;
}

bool ami_deepphase_velocity(const ami_phase_trajectory *trajectory, double *velocity, ami_error *err)
{
    if (!good_trajectory(trajectory, err))
        return false;
    const double frames = .1 * trajectory->rate;
    const int half = frames < 1 ? 1 : frames < trajectory->frames ? (int)lround(frames) : trajectory->frames;
    for (int i = 0; i < trajectory->frames; i++) {
        const int first = i < half ? 0 : i - half,
                  last = trajectory->frames - 1 - i < half ? trajectory->frames - 1 : i + half;
        velocity[i] = trajectory->rate * slope(trajectory, i, first, last);
    }
    return true;
}

/* Mean advance in cycles over `lag` frames, of those that differ by whole cycles the one nearest to `near`.
 */
static double advance(const ami_phase_trajectory *t, int lag, double near)
{
    double re = 0, im = 0;
    for (int i = 0; i + lag < t->frames; i++) {
        const double weight = t->phase[i].amplitude * t->phase[i + lag].amplitude;
        const double angle = TURN * (t->phase[i + lag].phase - t->phase[i].phase);
        re += weight * cos(angle);
        im += weight * sin(angle);
    }
    return near + ami_phase_difference(near, atan2(im, re) / TURN);
}

/* Cycles a frame: see the header. */
static double mean_speed(const ami_phase_trajectory *t)
{
    const int best = t->frames < 3 ? t->frames - 1 : 2 * t->frames / 3;
    if (best < 1)
        return 0;
    double speed = 0;
    for (int lag = 1; lag <= best; lag *= 2)
        speed = advance(t, lag, speed * lag) / lag;
    for (int i = 0; i < 2; i++) {
        const double cycles = floor(fabs(speed) * best);
        const int lag = cycles >= 1 ? (int)lround(cycles / fabs(speed)) : best;
        speed = advance(t, lag < 1 ? 1 : lag, speed * lag) / (lag < 1 ? 1 : lag);
    }
    return speed;
}

/* R of the header: how well e^{2πi · speed · t} describes the phases. */
static double evenness(const ami_phase_trajectory *t, double speed)
{
    double re = 0, im = 0, all = 0;
    for (int i = 0; i < t->frames; i++) {
        const double angle = TURN * fraction(t->phase[i].phase - speed * i);
        re += t->phase[i].amplitude * cos(angle);
        im += t->phase[i].amplitude * sin(angle);
        all += t->phase[i].amplitude;
    }
    return all > 0 ? hypot(re, im) / all : 0;
}

static double clamp01(double v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

bool ami_deepphase_periodicity(const ami_phase_trajectory *trajectory, ami_phase_period *out, ami_error *err)
{
    if (!good_trajectory(trajectory, err))
        return false;
    const double n = trajectory->frames, speed = mean_speed(trajectory);
    const double cycles = fabs(speed) * n,
                 wound = trajectory->unwrapped[trajectory->frames - 1] - trajectory->unwrapped[0],
                 expected = speed * (n - 1);
    const double chance = n > 1 ? sqrt(log(n) / n) : 1;
    const double even = chance < 1 ? clamp01((evenness(trajectory, speed) - chance) / (1 - chance)) : 0;
    const double winding = clamp01(1 - fabs(wound - expected) / fmax(1, fabs(expected)));
    *out = (ami_phase_period){
        .period_s = cycles > 1e-9 ? 1 / (fabs(speed) * trajectory->rate) : (double)INFINITY,
        .velocity = speed * trajectory->rate,
        .cycles = cycles,
        .confidence = even * winding * clamp01(cycles / 2),
        .short_of_two_cycles = cycles < 2 * .99,
    };
    return true;
}

static bool good_phase(const ami_phase *p, const char *which, ami_error *err)
{
    if (isfinite(p->x) && isfinite(p->y) && isfinite(p->phase) && isfinite(p->amplitude) && p->amplitude >= 0)
        return true;
    return ami_fail(err, "the %s phase is (%g, %g), phase %g, amplitude %g: finite numbers were expected",
                    which, p->x, p->y, p->phase, p->amplitude);
}

bool ami_deepphase_interpolate(const ami_phase *a, const ami_phase *b, double weight, ami_phase *out,
                               ami_error *err)
{
    if (!good_phase(a, "first", err) || !good_phase(b, "second", err))
        return false;
    if (!(weight >= 0 && weight <= 1))
        return ami_fail(err, "the weight between two phases is %g, expected 0 to 1", weight);
    const bool only_a = !(b->amplitude > 0), only_b = !(a->amplitude > 0);
    if (weight == 0 || weight == 1) {
        *out = weight == 0 ? *a : *b;
        if (only_a != only_b)
            out->phase = only_a ? a->phase : b->phase;
        return true;
    }
    double way = only_a || only_b ? 0 : ami_phase_difference(a->phase, b->phase);
    if (way < -.5 + 1e-9)
        way += 1; /* opposite but for rounding */
    const double from = only_b && !only_a ? b->phase : a->phase;
    *out = ami_phase_at(from + weight * way, a->amplitude + weight * (b->amplitude - a->amplitude));
    return true;
}
