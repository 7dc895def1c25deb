#include "viewer/plots.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 600, WINDOW = 10 /* s */, VALUES = AMB_REWARD_PARTS + 2, VALUE = AMB_REWARD_PARTS, COST };

struct amb_plots {
    mjvFigure reward, value, cost;
    double time[SAMPLES];
    float sample[SAMPLES][VALUES];
    int begin, count;
    int64_t step, jumps;
};

/* Okabe and Ito, on dark */
static const float colour[AMB_REWARD_PARTS][3] = {
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

amb_plots *amb_plots_create(amb_error *err)
{
    static const char *const names[] = {"pose", "velocity", "hands, feet", "root", "centre"};
    amb_plots *p = calloc(1, sizeof *p);
    if (!p) {
        amb_fail(err, "out of memory for the plots");
        return NULL;
    }
    style(&p->reward, "Reward, its parts");
    p->reward.range[1][1] = 1;
    snprintf(p->reward.yformat, sizeof p->reward.yformat, "%%.1f");
    for (int k = 0; k < AMB_REWARD_PARTS; k++) {
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

void amb_plots_destroy(amb_plots *p)
{
    free(p);
}

void amb_plots_add(amb_plots *p, const amb_snapshot *s)
{
    if (s->clip_duration > 0 || (s->step == p->step && s->jumps == p->jumps))
        return;
    if (s->step < p->step || s->jumps != p->jumps) {
        while (p->count && p->time[(p->begin + p->count - 1) % SAMPLES] >= (double)s->step * s->dt)
            p->count--;
    }
    p->step = s->step;
    p->jumps = s->jumps;
    if (!s->step)
        return; /* no step, no reward */
    const int slot = (p->begin + p->count) % SAMPLES;
    p->time[slot] = (double)s->step * s->dt;
    for (int k = 0; k < AMB_REWARD_PARTS; k++)
        p->sample[slot][k] = (float)s->reward.part[k];
    p->sample[slot][VALUE] = (float)s->value;
    p->sample[slot][COST] = (float)s->step_us;
    if (p->count < SAMPLES)
        p->count++;
    else
        p->begin = (p->begin + 1) % SAMPLES;
}

static void fill(mjvFigure *f, const amb_plots *p, int line, int value, double now, float range[2])
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

/* A round number of 1, 2 or 5 times a power of ten that is no smaller. */
static float round_up(float x)
{
    const float power = powf(10, floorf(log10f(fmaxf(x, 1e-6f)))), m = x / power;
    return power * (m <= 1 ? 1 : m <= 2 ? 2 : m <= 5 ? 5 : 10);
}

static void words(mjrRect plate, int x, int y, const char *text, const float rgb[3], const mjrContext *context)
{
    mjr_text(mjFONT_NORMAL, text, context, (float)(x - plate.left) / (float)plate.width, (float)(y - plate.bottom) / (float)plate.height,
             rgb[0], rgb[1], rgb[2]);
}

static int width_of(const char *text, const mjrContext *context)
{
    int sum = 0;
    for (; *text; text++)
        sum += context->charWidth[(unsigned char)*text < 127 ? (unsigned char)*text : '?'];
    return sum;
}

/* The parts' names in their colours, below the curves. */
static void draw_names(const amb_plots *p, mjrRect strip, double scale, const mjrContext *context)
{
    mjr_rectangle(strip, plate_rgba[0], plate_rgba[1], plate_rgba[2], plate_rgba[3]);
    const int gap = (int)(12 * scale), line = context->charHeight + (int)(3 * scale);
    int x = strip.left + gap, y = strip.bottom + strip.height - line;
    for (int k = 0; k < AMB_REWARD_PARTS; k++) {
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

static void draw_curves(amb_plots *p, const amb_snapshot *s, mjrRect *rect, double scale, const mjrContext *context)
{
    const double now = (double)s->step * s->dt;
    float any[2] = {0, 0}, value[2] = {INFINITY, -INFINITY}, cost[2] = {0, 1};
    for (int k = 0; k < AMB_REWARD_PARTS; k++)
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

/* A circle of dots, the hand of the reference's clock, and room for a second hand: the phase measured on the body (DeepPhase). */
static void draw_phase(const amb_snapshot *s, mjrRect rect, double scale, const mjrContext *context)
{
    static const float light[3] = {.92f, .92f, .92f}, *const hand = colour[2];
    mjr_rectangle(rect, plate_rgba[0], plate_rgba[1], plate_rgba[2], plate_rgba[3]);
    char text[32];
    snprintf(text, sizeof text, "Phase %.2f", s->phase);
    words(rect, rect.left + (rect.width - width_of(text, context)) / 2, rect.bottom + rect.height - context->charHeight - (int)(6 * scale),
          text, light, context);
    const int room = rect.height - context->charHeight - (int)(24 * scale), dot = (int)fmax(2 * scale, 2);
    const double radius = .5 * (room < rect.width - 20 ? room : rect.width - 20);
    const double x = rect.left + .5 * rect.width, y = rect.bottom + 8 * scale + .5 * room;
    for (int i = 0; i < 60; i++) {
        const double a = i * M_PI / 30;
        const int size = i % 15 ? dot : 2 * dot;
        mjr_rectangle((mjrRect){(int)(x + radius * sin(a)) - size / 2, (int)(y + radius * cos(a)) - size / 2, size, size}, .6f, .63f, .67f,
                      1);
    }
    const double a = 2 * M_PI * s->phase;
    for (int i = 0; i <= 30; i++) {
        const double r = radius * i / 30;
        const int size = i == 30 ? 4 * dot : dot + dot / 2;
        mjr_rectangle((mjrRect){(int)(x + r * sin(a)) - size / 2, (int)(y + r * cos(a)) - size / 2, size, size}, hand[0], hand[1], hand[2],
                      1);
    }
}

void amb_plots_draw(amb_plots *p, const amb_snapshot *s, mjrRect column, double scale, const mjrContext *context)
{
    const int gap = (int)(6 * scale), least = (int)(104 * scale);
    const bool clip = s->clip_duration > 0;
    int wanted = clip ? 0 : isfinite(s->value) ? 3 : 2;
    int height = (column.height - gap * wanted) / (wanted + 1);
    while (wanted > 0 && height < least) {
        wanted--;
        height = (column.height - gap * wanted) / (wanted + 1);
    }
    height = height > (int)(170 * scale) ? (int)(170 * scale) : height;
    int top = column.bottom + column.height;
    mjrRect rect[3] = {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
    static const int order[2][3] = {{0, 2, 1}, {0, 1, 2}};
    for (int i = 0; i < wanted; i++, top -= height + gap)
        rect[order[isfinite(s->value)][i]] = (mjrRect){column.left, top - height, column.width, height};
    if (wanted)
        draw_curves(p, s, rect, scale, context);
    draw_phase(s, (mjrRect){column.left, top - height, column.width, height}, scale, context);
}
