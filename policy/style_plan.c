/* Mixes styles, reads schedules and draws random styles. */
#include "policy/style_plan.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/number.h"
#include "policy/skill_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 20 };

/* A motion played `scale` times slower has 1/scale² of its accelerations. A mixture averages these. With the
 * geometric mean of the scales, half a run and half a creep would be a run in slow motion, with flight phases
 * that contradict gravity. */
static double swiftness(double scale)
{
    return 1 / (scale * scale);
}

static double slowness(double swift)
{
    return 1 / sqrt(swift);
}

static double tempo_of(const ami_style *style)
{
    return style->period > 0 ? 1 / style->period : 0;
}

void ami_latent_of_style(const ami_style *style, ami_latent *latent)
{
    AMI_ASSERT(style && latent);
    memcpy(latent->z, style->z, sizeof latent->z);
    latent->scale = style->scale;
    latent->speed = style->speed;
    latent->tempo = tempo_of(style);
}

/* Weighted sums of a mixture; `all` is the sum of the weights. */
typedef struct mixture {
    double z[AMI_STYLE_SIZE], all, swift, speed, tempo;
} mixture;

static void add_style(mixture *m, const ami_style *style, double weight)
{
    for (int k = 0; k < AMI_STYLE_SIZE && weight > 0; k++)
        m->z[k] += weight * (double)style->z[k];
    m->swift += weight * swiftness(style->scale);
    m->speed += weight * style->speed;
    m->tempo += weight * tempo_of(style);
    m->all += weight;
}

static bool finish_mixture(const mixture *m, ami_latent *latent)
{
    if (!(m->all > 0))
        return false;
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        latent->z[k] = (float)(m->z[k] / m->all);
    latent->scale = slowness(m->swift / m->all);
    latent->speed = m->speed / m->all;
    latent->tempo = m->tempo / m->all;
    return true;
}

bool ami_latent_same(const ami_latent *a, const ami_latent *b)
{
    AMI_ASSERT(a && b);
    return a->scale == b->scale && !memcmp(a->z, b->z, sizeof a->z);
}

/* Reads the whole text as a decimal number in [lo, hi]. */
static bool number_in(const char *text, double lo, double hi, double *out)
{
    return ami_number_read(text, NULL, out) && *out >= lo && *out <= hi;
}

void ami_latent_between(const ami_latent *a, const ami_latent *b, double weight, ami_latent *out)
{
    AMI_ASSERT(a && b && out);
    if (weight <= 0 || weight >= 1) {
        *out = weight <= 0 ? *a : *b;
        return;
    }
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        out->z[k] = a->z[k] + (float)weight * (b->z[k] - a->z[k]);
    out->speed = a->speed + weight * (b->speed - a->speed);
    out->tempo = a->tempo + weight * (b->tempo - a->tempo);
    out->scale = a->scale == b->scale
                     ? a->scale
                     : slowness((1 - weight) * swiftness(a->scale) + weight * swiftness(b->scale));
}

bool ami_style_mix(const ami_styles *styles, const char *text, ami_latent *latent, ami_error *err)
{
    AMI_ASSERT(styles && text && latent);
    mixture m = {.all = 0};
    const char *at = text;
    do {
        const size_t length = strcspn(at, ",");
        char part[96], *colon;
        if (length == 0 || length >= sizeof part)
            return ami_fail(err, "the style is \"%.60s\", expected NAME or NAME:WEIGHT,NAME:WEIGHT", text);
        snprintf(part, sizeof part, "%.*s", (int)length, at);
        double weight = 1;
        if ((colon = strchr(part, ':')) != NULL) {
            *colon = 0;
            if (!number_in(colon + 1, 0, 1000, &weight))
                return ami_fail(err, "the weight of \"%s\" is \"%s\", expected 0 to 1000", part, colon + 1);
        }
        const int i = ami_styles_find(styles, part, err);
        if (i < 0)
            return false;
        add_style(&m, &styles->style[i], weight);
        at += length;
    } while (*at++ == ',');
    return finish_mixture(&m, latent) ||
           ami_fail(err, "the style is \"%.60s\", whose weights are all 0", text);
}

bool ami_style_blend(const ami_styles *styles, const double *weights, ami_latent *latent)
{
    AMI_ASSERT(styles && weights && latent);
    mixture m = {.all = 0};
    for (int i = 0; i < styles->count; i++)
        add_style(&m, &styles->style[i], weights[i]);
    return finish_mixture(&m, latent);
}

/* The rate at which half the squared distance decreases with the style's weight. */
static double slope_at(const ami_style *style, const double *rest)
{
    double slope = 0;
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        slope += rest[k] * (double)style->z[k];
    return slope;
}

/* Pairwise coordinate descent: in each round, moves the optimal amount of weight from the style with the
 * smallest slope to the one with the largest. */
void ami_style_weights(const ami_styles *styles, const ami_latent *latent, double *weights)
{
    AMI_ASSERT(styles && latent && weights);
    double rest[AMI_STYLE_SIZE]; /* the latent minus the blend */
    for (int i = 0; i < styles->count; i++)
        weights[i] = i == 0;
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        rest[k] = (double)latent->z[k] - (double)styles->style[0].z[k];
    for (int round = 0; round < 1000; round++) {
        int from = -1, to = 0;
        double least = 0, most = -INFINITY, between = 0;
        for (int i = 0; i < styles->count; i++) {
            const double slope = slope_at(&styles->style[i], rest);
            if (weights[i] > 0 && (from < 0 || slope < least))
                from = i, least = slope;
            if (slope > most)
                to = i, most = slope;
        }
        for (int k = 0; k < AMI_STYLE_SIZE; k++) {
            const double d = (double)styles->style[to].z[k] - (double)styles->style[from].z[k];
            between += d * d;
        }
        if (!(between > 0) || most - least < 1e-9 * between)
            return;
        const double moved = fmin((most - least) / between, weights[from]);
        weights[from] = moved == weights[from] ? 0 : weights[from] - moved;
        weights[to] += moved;
        for (int k = 0; k < AMI_STYLE_SIZE; k++)
            rest[k] -= moved * ((double)styles->style[to].z[k] - (double)styles->style[from].z[k]);
    }
}

/* ---- plans ---- */

static bool one_moment(ami_style_plan *plan, ami_error *err)
{
    plan->moment = calloc(1, sizeof *plan->moment);
    if (!plan->moment)
        return ami_fail(err, "out of memory for a style");
    plan->moment->heading = plan->moment->speed = (double)NAN;
    plan->moments = 1;
    return true;
}

bool ami_style_plan_of_style(ami_style_plan *plan, const ami_styles *styles, const ami_style *style,
                             ami_error *err)
{
    *plan = (ami_style_plan){.styles = styles};
    if (!one_moment(plan, err))
        return false;
    ami_latent_of_style(style, &plan->moment->latent);
    return true;
}

bool ami_style_plan_parse(ami_style_plan *plan, const ami_styles *styles, const char *text, ami_error *err)
{
    *plan = (ami_style_plan){.styles = styles};
    const char *const drawn[] = {"random-names", "random", "random-blends"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(text, drawn[i])) {
            plan->blends = .5 * i;
            return true;
        }
    if (!one_moment(plan, err))
        return false;
    if (ami_style_mix(styles, text, &plan->moment->latent, err))
        return true;
    ami_style_plan_free(plan);
    return false;
}

static bool parse_target(const char *word, ami_style_moment *moment, ami_error *err)
{
    if (!strncmp(word, "heading=", 8)) {
        if (!number_in(word + 8, -360, 360, &moment->heading))
            return ami_fail(err, "\"%.40s\", expected a heading of -360 to 360 degrees", word);
        moment->heading *= M_PI / 180;
        return true;
    }
    if (!strncmp(word, "speed=", 6))
        return number_in(word + 6, 0, 20, &moment->speed) ||
               ami_fail(err, "\"%.40s\", expected a speed of 0 to 20 m/s", word);
    return ami_fail(err, "\"%.40s\", expected heading=DEG or speed=M/S", word);
}

/* The style or the skill of a moment. */
static bool take_motion(ami_style_plan *plan, const char *text, ami_style_moment *moment, ami_error *err)
{
    static const char prefix[] = "skill:";
    const bool marked = !strncmp(text, prefix, strlen(prefix));
    const char *name = marked ? text + strlen(prefix) : text;
    ami_skill_place place;
    ami_error style = {""}, skill = {""};
    if (!marked && ami_style_mix(plan->styles, text, &moment->latent, &style))
        return true;
    if (!marked && strpbrk(text, ":,")) /* a mixture */
        return ami_fail(err, "%s", style.text);
    if (!ami_skill_find_one(name, &place, &skill))
        return marked ? ami_fail(err, "%s", skill.text) : ami_fail(err, "%s; %s", style.text, skill.text);
    if (plan->moments == 0)
        return ami_fail(err, "the first motion is the skill \"%s\", expected a style", name);
    moment->latent = moment[-1].latent;
    snprintf(moment->skill, sizeof moment->skill, "%s", name);
    plan->skills++;
    return true;
}

/* Parses one line without its comment; blank lines are skipped. */
static bool parse_line(ami_style_plan *plan, char *line, ami_error *err)
{
    static const char blanks[] = " \t\r";
    char *rest, *time = strtok_r(line, blanks, &rest), *style = time ? strtok_r(NULL, blanks, &rest) : NULL;
    if (!time)
        return true;
    if (plan->moments == AMI_STYLE_MOMENTS_MAX)
        return ami_fail(err, "more than %d styles", AMI_STYLE_MOMENTS_MAX);
    ami_style_moment *moment = &plan->moment[plan->moments];
    *moment = (ami_style_moment){.heading = (double)NAN, .speed = (double)NAN};
    if (!number_in(time, 0, 1e6, &moment->time))
        return ami_fail(err, "the time is \"%.40s\", expected 0 to 1000000 s", time);
    if (plan->moments == 0 && moment->time != 0)
        return ami_fail(err, "the first time is %g s, expected 0", moment->time);
    if (plan->moments > 0 && !(moment->time > moment[-1].time))
        return ami_fail(err, "the time is %g s, expected more than the %g s before it", moment->time,
                        moment[-1].time);
    if (!style)
        return ami_fail(err, "no style after the time, expected TIME STYLE");
    if (!take_motion(plan, style, moment, err))
        return false;
    snprintf(moment->label, sizeof moment->label, "%s", style);
    for (char *word; (word = strtok_r(NULL, blanks, &rest)) != NULL;) {
        if (!parse_target(word, moment, err))
            return false;
        const size_t used = strlen(moment->label);
        snprintf(moment->label + used, sizeof moment->label - used, " %s", word);
    }
    plan->moments++;
    return true;
}

bool ami_style_plan_read(ami_style_plan *plan, const ami_styles *styles, const char *path, ami_error *err)
{
    *plan = (ami_style_plan){.styles = styles};
    size_t size, lines = 1;
    char *text = ami_file_read_text(path, MAX_FILE, &size, err);
    if (!text)
        return false;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    bool ok = strlen(text) == size || ami_fail(err, "%s: is not a text file (it contains a zero byte)", path);
    plan->moment =
        calloc(lines < AMI_STYLE_MOMENTS_MAX ? lines : AMI_STYLE_MOMENTS_MAX, sizeof *plan->moment);
    if (ok && !plan->moment)
        ok = ami_fail(err, "%s: out of memory for %zu styles", path, lines);
    char *line = text;
    for (int number = 1; ok && line; number++) {
        char *next = strchr(line, '\n'), *comment;
        if (next)
            *next++ = 0;
        if ((comment = strchr(line, '#')) != NULL)
            *comment = 0;
        ok = parse_line(plan, line, err) || ami_fail_in(err, "%s: line %d", path, number);
        line = next;
    }
    if (ok && plan->moments == 0)
        ok = ami_fail(err, "%s: contains no style, expected lines of TIME STYLE", path);
    free(text);
    if (!ok)
        ami_style_plan_free(plan);
    return ok;
}

void ami_style_plan_free(ami_style_plan *plan)
{
    free(plan->moment);
    *plan = (ami_style_plan){0};
}

void ami_style_draw(const ami_style_plan *plan, ami_rng *rng, ami_latent *latent, double *pace)
{
    AMI_ASSERT(plan && plan->styles && rng && latent && pace);
    const ami_styles *styles = plan->styles;
    const bool blend = ami_rng_uniform(rng) < plan->blends;
    ami_latent a, b;
    ami_latent_of_style(&styles->style[ami_rng_below(rng, (uint32_t)styles->count)], &a);
    ami_latent_of_style(&styles->style[ami_rng_below(rng, (uint32_t)styles->count)], &b);
    const double between = ami_rng_uniform(rng);
    ami_latent_between(&a, &b, blend ? between : 0, latent);
    const bool as_it_is = ami_rng_uniform(rng) < .5;
    const double change = ami_rng_range(rng, -plan->pace, plan->pace);
    *pace = as_it_is ? 1 : 1 + change;
}
