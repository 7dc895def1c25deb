/* Draws scrolling plots and the phase dial. */
#include "viewer/plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 600,
    WINDOW = 10 /* s */,
    VALUES = AMI_REWARD_PARTS + 4,
    VALUE = AMI_REWARD_PARTS,
    COST,
    BODY_X,
    BODY_Y
};

struct ami_plots {
    mjvFigure reward, value, cost;
    double time[SAMPLES];
    float sample[SAMPLES][VALUES];
    int begin, count;
    int64_t step, jumps;
};

/* Okabe and Ito, on dark */
static const float colour[AMI_REWARD_PARTS][3] = {
    {.34f, .71f, .91f}, {.90f, .62f, 0}, {0, .72f, .52f}, {.94f, .89f, .26f}, {.85f, .55f, .72f}};

static const float plate_rgba[4] = {.11f, .12f, .15f, .84f};

static void style(mjvFigure *f, const char *title)
{
    mjv_defaultFigure(f);
    snprintf(f->title, sizeof f->title, "%s", title);
    const float pane[4] = {.11f, .12f, .15f, 0};
    memcpy(f->figurergba, plate_rgba, sizeof plate_rgba);
    memcpy(f->panergba, pane, sizeof pane);
    for (int k = 0; k < 3; k++) {
        f->textrgb[k] = .92f;
        f->gridrgb[k] = .34f;
    }
    f->gridwidth = 1;
    f->linewidth = 2;
    f->gridsize[0] = 3;
    f->gridsize[1] = 3;
    f->flg_extend = 0;
    f->flg_legend = 0;
    f->flg_ticklabel[0] = 0;
    f->flg_ticklabel[1] = 1;
    f->range[0][0] = -WINDOW;
    f->range[0][1] = 0;
    snprintf(f->minwidth, sizeof f->minwidth, "0.00");
}

ami_plots *ami_plots_create(ami_error *err)
{
    static const char *const names[] = {"pose", "velocity", "hands, feet", "root", "centre"};
    ami_plots *p = calloc(1, sizeof *p);
    if (!p) {
        ami_fail(err, "out of memory for the plots");
        return NULL;
    }
    style(&p->reward, "Reward, its parts");
    p->reward.range[1][1] = 1;
    snprintf(p->reward.yformat, sizeof p->reward.yformat, "%%.1f");
    for (int k = 0; k < AMI_REWARD_PARTS; k++) {
        memcpy(p->reward.linergb[k], colour[k], sizeof colour[k]);
        snprintf(p->reward.linename[k], sizeof p->reward.linename[k], "%s", names[k]);
    }
    style(&p->value, "Critic: reward it expects");
    memcpy(p->value.linergb[0], colour[1], sizeof colour[1]);
    snprintf(p->value.yformat, sizeof p->value.yformat, "%%.3g");
    style(&p->cost, "Control step, us");
    memcpy(p->cost.linergb[0], colour[0], sizeof colour[0]);
    snprintf(p->cost.yformat, sizeof p->cost.yformat, "%%.0f");
    p->step = -1;
    return p;
}

void ami_plots_destroy(ami_plots *plots)
{
    free(plots);
}

void ami_plots_add(ami_plots *plots, const ami_snapshot *snapshot)
{
    if (snapshot->clip_duration > 0 || (snapshot->step == plots->step && snapshot->jumps == plots->jumps))
        return;
    if (snapshot->step < plots->step || snapshot->jumps != plots->jumps) {
        while (plots->count && plots->time[(plots->begin + plots->count - 1) % SAMPLES] >=
                                   (double)snapshot->step * snapshot->dt)
            plots->count--;
    }
    plots->step = snapshot->step;
    plots->jumps = snapshot->jumps;
    if (!snapshot->step)
        return; /* no step, no reward */
    const int slot = (plots->begin + plots->count) % SAMPLES;
    plots->time[slot] = (double)snapshot->step * snapshot->dt;
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        plots->sample[slot][k] = (float)snapshot->reward.part[k];
    plots->sample[slot][VALUE] = (float)snapshot->value;
    plots->sample[slot][COST] = (float)snapshot->step_us;
    const bool measured = snapshot->invents && snapshot->body_phase.amplitude >= 0;
    plots->sample[slot][BODY_X] = measured ? (float)snapshot->body_phase.x : NAN;
    plots->sample[slot][BODY_Y] = measured ? (float)snapshot->body_phase.y : NAN;
    if (plots->count < SAMPLES)
        plots->count++;
    else
        plots->begin = (plots->begin + 1) % SAMPLES;
}

static void fill(mjvFigure *f, const ami_plots *p, int line, int value, double now, float range[2])
{
    int n = 0;
    for (int i = 0; i < p->count; i++) {
        const int slot = (p->begin + i) % SAMPLES;
        const float y = p->sample[slot][value];
        if (p->time[slot] < now - WINDOW || !isfinite(y))
            continue;
        f->linedata[line][2 * n] = (float)(p->time[slot] - now);
        f->linedata[line][2 * n + 1] = y;
        range[0] = fminf(range[0], y);
        range[1] = fmaxf(range[1], y);
        n++;
    }
    f->linepnt[line] = n;
}

/* The smallest number of at least x that is 1, 2 or 5 times a power of ten. */
static float round_up(float x)
{
    const float power = powf(10, floorf(log10f(fmaxf(x, 1e-6f)))), m = x / power;
    return power * (m <= 1 ? 1 : m <= 2 ? 2 : m <= 5 ? 5 : 10);
}

static void words(mjrRect plate, int x, int y, const char *text, const float rgb[3],
                  const mjrContext *context)
{
    mjr_text(mjFONT_NORMAL, text, context, (float)(x - plate.left) / (float)plate.width,
             (float)(y - plate.bottom) / (float)plate.height, rgb[0], rgb[1], rgb[2]);
}

static int width_of(const char *text, const mjrContext *context)
{
    int sum = 0;
    for (; *text; text++)
        sum += context->charWidth[(unsigned char)*text < 127 ? (unsigned char)*text : '?'];
    return sum;
}

/* The parts' names in their colours, below the curves. */
static void draw_names(const ami_plots *p, mjrRect strip, double scale, const mjrContext *context)
{
    mjr_rectangle(strip, plate_rgba[0], plate_rgba[1], plate_rgba[2], plate_rgba[3]);
    const int gap = (int)(12 * scale), line = context->charHeight + (int)(3 * scale);
    int x = strip.left + gap, y = strip.bottom + strip.height - line;
    for (int k = 0; k < AMI_REWARD_PARTS; k++) {
        const char *name = p->reward.linename[k];
        const int width = width_of(name, context);
        if (x + width > strip.left + strip.width - gap / 2) {
            x = strip.left + gap;
            y -= line;
        }
        words(strip, x, y, name, colour[k], context);
        x += width + gap;
    }
}

static void draw_curves(ami_plots *p, const ami_snapshot *s, mjrRect *rect, double scale,
                        const mjrContext *context)
{
    const double now = (double)s->step * s->dt;
    float any[2] = {0, 0}, value[2] = {INFINITY, -INFINITY}, cost[2] = {0, 1};
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        fill(&p->reward, p, k, k, now, any);
    mjrRect names = rect[0];
    names.height = 2 * (context->charHeight + (int)(3 * scale)) + (int)(8 * scale);
    rect[0].bottom += names.height;
    rect[0].height -= names.height;
    mjr_figure(rect[0], &p->reward, context);
    draw_names(p, names, scale, context);
    fill(&p->value, p, 0, VALUE, now, value);
    if (rect[1].height && p->value.linepnt[0]) {
        p->value.range[1][0] = fminf(0, value[0]);
        p->value.range[1][1] = round_up(fmaxf(value[1], 1));
        mjr_figure(rect[1], &p->value, context);
    }
    fill(&p->cost, p, 0, COST, now, cost);
    if (rect[2].height) {
        p->cost.range[1][0] = 0;
        p->cost.range[1][1] = round_up(cost[1]);
        mjr_figure(rect[2], &p->cost, context);
    }
}

/* Position of the circle, pixels. */
typedef struct dial {
    double x, y, radius;
    int dot;
} dial;

static void put_dot(double x, double y, int size, const float rgb[3], double alpha)
{
    mjr_rectangle((mjrRect){(int)lround(x) - size / 2, (int)lround(y) - size / 2, size, size}, rgb[0], rgb[1],
                  rgb[2], (float)alpha);
}

static void draw_hand(dial d, double phase, const float rgb[3])
{
    const double a = 2 * M_PI * phase;
    for (int i = 0; i <= 30; i++) {
        const double r = d.radius * i / 30;
        put_dot(d.x + r * sin(a), d.y + r * cos(a), i == 30 ? 4 * d.dot : d.dot + d.dot / 2, rgb, 1);
    }
}

/* The body's phase of the last second, with the amplitude as radius (1: the circle); older points are paler.
 */
static void draw_body(const ami_plots *p, const ami_snapshot *s, dial d, const float rgb[3])
{
    const double now = (double)s->step * s->dt;
    double x = 0, y = 0;
    bool begun = false;
    for (int i = 0; i < p->count; i++) {
        const int slot = (p->begin + i) % SAMPLES;
        const double age = now - p->time[slot], bx = (double)p->sample[slot][BODY_X],
                     by = (double)p->sample[slot][BODY_Y];
        if (age > 1 || age < -1e-9 || !isfinite(bx)) {
            begun = false;
            continue;
        }
        const double amplitude = hypot(bx, by), shown = fmin(amplitude, 1.15) / fmax(amplitude, 1e-9);
        /* phase 0 is at the top, as for the hand */
        const double to_x = d.x + d.radius * shown * by, to_y = d.y + d.radius * shown * bx;
        const double shade = .15 + .75 * (1 - age);
        for (int k = 1; begun && k <= 8; k++)
            put_dot(x + (to_x - x) * k / 8, y + (to_y - y) * k / 8, d.dot, rgb, .5 * shade);
        put_dot(to_x, to_y, age < .5 * s->dt ? 5 * d.dot : d.dot + d.dot / 2, rgb, shade);
        x = to_x;
        y = to_y;
        begun = true;
    }
}

static void draw_circle(dial d)
{
    static const float grey[3] = {.6f, .63f, .67f};
    for (int i = 0; i < 60; i++) {
        const double a = i * M_PI / 30;
        put_dot(d.x + d.radius * sin(a), d.y + d.radius * cos(a), i % 15 ? d.dot : 2 * d.dot, grey, 1);
    }
}

/* The reference's phase as a hand. For invented motions it is DeepPhase's phase, shown with DeepPhase's phase
 * of the body.
 */
static void draw_phase(const ami_plots *p, const ami_snapshot *s, mjrRect rect, double scale,
                       const mjrContext *context)
{
    static const float light[3] = {.92f, .92f, .92f}, *const hand = colour[2], *const body = colour[1];
    const int gap = (int)(8 * scale), line = context->charHeight + (int)(6 * scale),
              top = rect.bottom + rect.height - line;
    mjr_rectangle(rect, plate_rgba[0], plate_rgba[1], plate_rgba[2], plate_rgba[3]);
    char text[32];
    const bool two = s->invents && s->body_phase.amplitude >= 0;
    snprintf(text, sizeof text, "%s %.2f", s->invents ? "Motion" : "Phase",
             s->invents ? s->style_phase : s->phase);
    words(rect, two ? rect.left + gap : rect.left + (rect.width - width_of(text, context)) / 2, top, text,
          two ? hand : light, context);
    if (two) {
        snprintf(text, sizeof text, "Body %.2f", s->body_phase.phase);
        words(rect, rect.left + rect.width - gap - width_of(text, context), top, text, body, context);
    }
    if (s->phase_gain > 0 && s->invents)
        words(rect, rect.left + gap, rect.bottom + gap, "loop", light, context);
    const int height = rect.height - context->charHeight - (int)(24 * scale), width = rect.width - 20;
    const double fraction = s->invents ? .87 : 1; /* an amplitude may be above 1 */
    const dial d = {rect.left + .5 * rect.width, rect.bottom + 8 * scale + .5 * height,
                    .5 * fraction * (height < width ? height : width), (int)fmax(2 * scale, 2)};
    draw_circle(d);
    draw_hand(d, s->invents ? s->style_phase : s->phase, hand);
    if (two)
        draw_body(p, s, d, body);
}

void ami_plots_draw(ami_plots *plots, const ami_snapshot *snapshot, mjrRect column, double scale,
                    const mjrContext *context)
{
    const int gap = (int)(6 * scale), min_height = (int)(104 * scale);
    const bool clip = snapshot->clip_duration > 0;
    int curves = clip ? 0 : isfinite(snapshot->value) ? 3 : 2;
    int height = (column.height - gap * curves) / (curves + 1);
    while (curves > 0 && height < min_height) {
        curves--;
        height = (column.height - gap * curves) / (curves + 1);
    }
    height = height > (int)(170 * scale) ? (int)(170 * scale) : height;
    int top = column.bottom + column.height;
    mjrRect rect[3] = {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
    static const int order[2][3] = {{0, 2, 1}, {0, 1, 2}};
    for (int i = 0; i < curves; i++, top -= height + gap)
        rect[order[isfinite(snapshot->value)][i]] =
            (mjrRect){column.left, top - height, column.width, height};
    if (curves)
        draw_curves(plots, snapshot, rect, scale, context);
    draw_phase(plots, snapshot, (mjrRect){column.left, top - height, column.width, height}, scale, context);
}
