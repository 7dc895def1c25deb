#include "policy/style.h"

#include "base/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char format_name[] = "amble styles 1";
enum { MAX_FILE = 64 << 20 };

/* ---- the table ---- */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* "random" and what begins with "random-" mean something else. */
static bool good_name(const char *name)
{
    const size_t n = strlen(name);
    return n > 0 && n < sizeof((amb_style *)NULL)->name && strchr(LETTERS, name[0]) && strspn(name, LETTERS "0123456789_-") == n &&
           strcmp(name, "random") != 0 && strncmp(name, "random-", 7) != 0;
}

static bool read_number(const json_t *object, const char *key, double hi, double *out, amb_error *err)
{
    const json_t *value = json_object_get(object, key);
    *out = 0;
    if (!value || json_is_null(value))
        return true;
    *out = json_number_value(value);
    if (!json_is_number(value) || !(*out >= 0 && *out <= hi))
        return amb_fail(err, "\"%s\" is not a number from 0 to %g", key, hi);
    return true;
}

static bool read_latent(const json_t *array, float z[AMB_LATENT], amb_error *err)
{
    if (!json_is_array(array) || json_array_size(array) != AMB_LATENT)
        return amb_fail(err, "\"latent\" is not a list of %d numbers%s", AMB_LATENT,
                        json_is_array(array) ? " (its length is another)" : "");
    for (size_t k = 0; k < AMB_LATENT; k++) {
        const json_t *value = json_array_get(array, k);
        const double number = json_number_value(value);
        if (!json_is_number(value) || !(fabs(number) <= 1000))
            return amb_fail(err, "\"latent\"[%zu] is not a number from -1000 to 1000", k);
        z[k] = (float)number;
    }
    return true;
}

static bool read_style(const json_t *object, amb_style *style, amb_error *err)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    if (!name || !good_name(name))
        return amb_fail(err, "\"name\" is %s%.40s%s, expected a letter and up to 30 letters, digits, '_' and '-', and not \"random\"",
                        name ? "\"" : "", name ? name : "missing", name ? "\"" : "");
    snprintf(style->name, sizeof style->name, "%s", name);
    const char *clip = json_string_value(json_object_get(object, "clip"));
    snprintf(style->clip, sizeof style->clip, "%s", clip ? clip : "");
    if (read_number(object, "period_s", 1000, &style->latent.period_s, err) && read_number(object, "speed", 1000, &style->speed, err) &&
        read_latent(json_object_get(object, "latent"), style->latent.z, err))
        return true;
    return amb_fail_in(err, "style \"%s\"", style->name);
}

static bool read_styles(const json_t *root, amb_styles *styles, amb_error *err)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    if (!format || strcmp(format, format_name) != 0)
        return amb_fail(err, "\"format\" is %.40s, expected \"%s\"", format ? format : "missing", format_name);
    const json_t *list = json_object_get(root, "styles");
    const size_t count = json_array_size(list);
    if (!json_is_array(list) || count < 1 || count > AMB_STYLES_MAX)
        return amb_fail(err, "\"styles\" is not a list of 1 to %d styles", AMB_STYLES_MAX);
    styles->style = calloc(count, sizeof *styles->style);
    if (!styles->style)
        return amb_fail(err, "out of memory for %zu styles", count);
    for (size_t i = 0; i < count; i++) {
        if (!read_style(json_array_get(list, i), &styles->style[i], err))
            return amb_fail_in(err, "\"styles\"[%zu]", i);
        if (amb_style_find(styles, styles->style[i].name) >= 0)
            return amb_fail(err, "\"styles\"[%zu]: a second style is named \"%s\"", i, styles->style[i].name);
        styles->count++;
    }
    return true;
}

bool amb_styles_read(amb_styles *styles, const char *path, amb_error *err)
{
    *styles = (amb_styles){0};
    size_t size;
    uint8_t *text = amb_file_read(path, MAX_FILE, &size, err);
    if (!text)
        return false;
    json_error_t where;
    json_t *root = json_loadb((const char *)text, size, JSON_REJECT_DUPLICATES, &where);
    free(text);
    bool ok = root != NULL;
    if (!ok)
        amb_fail(err, "line %d: %s", where.line, where.text);
    ok = ok && read_styles(root, styles, err);
    json_decref(root);
    if (ok)
        return true;
    amb_styles_free(styles);
    return amb_fail_in(err, "%s", path);
}

bool amb_styles_write(const amb_styles *styles, const char *path, amb_error *err)
{
    const size_t room = 128 + (size_t)styles->count * (320 + AMB_LATENT * 20);
    char *text = malloc(room);
    if (!text)
        return amb_fail(err, "%s: out of memory for %d styles", path, styles->count);
    size_t n = (size_t)snprintf(text, room, "{\"format\": \"%s\", \"styles\": [\n", format_name);
    for (int i = 0; i < styles->count; i++) {
        const amb_style *s = &styles->style[i];
        n += (size_t)snprintf(text + n, room - n, "{\"name\": \"%s\", \"clip\": \"%s\", \"period_s\": %.6g, \"speed\": %.6g, \"latent\": [",
                              s->name, s->clip, s->latent.period_s, s->speed);
        for (int k = 0; k < AMB_LATENT; k++)
            n += (size_t)snprintf(text + n, room - n, "%s%.7g", k ? ", " : "", (double)s->latent.z[k]);
        n += (size_t)snprintf(text + n, room - n, "]}%s\n", i + 1 < styles->count ? "," : "");
    }
    n += (size_t)snprintf(text + n, room - n, "]}\n");
    const bool ok = amb_file_write(path, text, n, err);
    free(text);
    return ok;
}

void amb_styles_free(amb_styles *styles)
{
    free(styles->style);
    *styles = (amb_styles){0};
}

int amb_style_find(const amb_styles *styles, const char *name)
{
    for (int i = 0; i < styles->count; i++)
        if (!strcmp(styles->style[i].name, name))
            return i;
    return -1;
}

static bool unknown(const amb_styles *styles, const char *name, amb_error *err)
{
    char known[800] = "";
    for (int i = 0; i < styles->count; i++) {
        const size_t n = strlen(known);
        if (n + 40 > sizeof known) {
            snprintf(known + n, sizeof known - n, ", ...");
            break;
        }
        snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", styles->style[i].name);
    }
    return amb_fail(err, "no style is named \"%.40s\"; there are %s", name, known);
}

/* A decimal number that fills the text, in [lo, hi]. */
static bool number_in(const char *text, double lo, double hi, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && !text[strspn(text, "0123456789+-.eE")] && *out >= lo && *out <= hi;
}

void amb_latent_between(const amb_latent *a, const amb_latent *b, double weight, amb_latent *out)
{
    if (weight <= 0 || weight >= 1) {
        *out = weight <= 0 ? *a : *b;
        return;
    }
    for (int k = 0; k < AMB_LATENT; k++)
        out->z[k] = a->z[k] + (float)weight * (b->z[k] - a->z[k]);
    const bool both = a->period_s > 0 && b->period_s > 0;
    out->period_s = both ? exp((1 - weight) * log(a->period_s) + weight * log(b->period_s)) : 0;
}

bool amb_style_mix(const amb_styles *styles, const char *text, amb_latent *latent, amb_error *err)
{
    double sum[AMB_LATENT] = {0}, all = 0, log_period = 0;
    bool timed = true;
    const char *at = text;
    do {
        const size_t length = strcspn(at, ",");
        char part[96], *colon;
        if (length == 0 || length >= sizeof part)
            return amb_fail(err, "the style is \"%.60s\", expected NAME or NAME:WEIGHT,NAME:WEIGHT", text);
        snprintf(part, sizeof part, "%.*s", (int)length, at);
        double weight = 1;
        if ((colon = strchr(part, ':')) != NULL) {
            *colon = 0;
            if (!number_in(colon + 1, 0, 1000, &weight))
                return amb_fail(err, "the weight of \"%s\" is \"%s\", expected 0 to 1000", part, colon + 1);
        }
        const int i = amb_style_find(styles, part);
        if (i < 0)
            return unknown(styles, part, err);
        for (int k = 0; k < AMB_LATENT; k++)
            sum[k] += weight * (double)styles->style[i].latent.z[k];
        if (weight > 0) {
            const double period = styles->style[i].latent.period_s;
            timed &= period > 0;
            log_period += period > 0 ? weight * log(period) : 0;
        }
        all += weight;
        at += length;
    } while (*at++ == ',');
    if (!(all > 0))
        return amb_fail(err, "the style is \"%.60s\", whose weights are all 0", text);
    for (int k = 0; k < AMB_LATENT; k++)
        latent->z[k] = (float)(sum[k] / all);
    latent->period_s = timed ? exp(log_period / all) : 0;
    return true;
}

/* ---- plans ---- */

bool amb_style_plan_parse(amb_style_plan *plan, const amb_styles *styles, const char *text, amb_error *err)
{
    *plan = (amb_style_plan){.styles = styles};
    const char *const drawn[] = {"random-names", "random", "random-blends"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(text, drawn[i])) {
            plan->blends = .5 * i;
            return true;
        }
    plan->moment = calloc(1, sizeof *plan->moment);
    if (!plan->moment)
        return amb_fail(err, "out of memory for a style");
    plan->moment->heading = plan->moment->speed = (double)NAN;
    plan->moments = 1;
    if (amb_style_mix(styles, text, &plan->moment->latent, err))
        return true;
    amb_style_plan_free(plan);
    return false;
}

static bool parse_wish(const char *word, amb_style_moment *moment, amb_error *err)
{
    if (!strncmp(word, "heading=", 8)) {
        if (!number_in(word + 8, -360, 360, &moment->heading))
            return amb_fail(err, "\"%.40s\", expected a heading of -360 to 360 degrees", word);
        moment->heading *= M_PI / 180;
        return true;
    }
    if (!strncmp(word, "speed=", 6))
        return number_in(word + 6, 0, 20, &moment->speed) || amb_fail(err, "\"%.40s\", expected a speed of 0 to 20 m/s", word);
    return amb_fail(err, "\"%.40s\", expected heading=DEG or speed=M/S", word);
}

/* One line without its comment; blank ones make no moment. */
static bool parse_line(amb_style_plan *plan, char *line, amb_error *err)
{
    static const char blanks[] = " \t\r";
    char *rest, *time = strtok_r(line, blanks, &rest), *style = time ? strtok_r(NULL, blanks, &rest) : NULL;
    if (!time)
        return true;
    if (plan->moments == AMB_STYLE_MOMENTS_MAX)
        return amb_fail(err, "more than %d styles", AMB_STYLE_MOMENTS_MAX);
    amb_style_moment *moment = &plan->moment[plan->moments];
    *moment = (amb_style_moment){.heading = (double)NAN, .speed = (double)NAN};
    if (!number_in(time, 0, 1e6, &moment->time))
        return amb_fail(err, "the time is \"%.40s\", expected 0 to 1000000 s", time);
    if (plan->moments == 0 && moment->time != 0)
        return amb_fail(err, "the first time is %g s, expected 0", moment->time);
    if (plan->moments > 0 && !(moment->time > moment[-1].time))
        return amb_fail(err, "the time is %g s, expected more than the %g s before it", moment->time, moment[-1].time);
    if (!style)
        return amb_fail(err, "no style behind the time, expected TIME STYLE");
    if (!amb_style_mix(plan->styles, style, &moment->latent, err))
        return false;
    for (char *word; (word = strtok_r(NULL, blanks, &rest)) != NULL;)
        if (!parse_wish(word, moment, err))
            return false;
    plan->moments++;
    return true;
}

bool amb_style_plan_read(amb_style_plan *plan, const amb_styles *styles, const char *path, amb_error *err)
{
    *plan = (amb_style_plan){.styles = styles};
    size_t size, lines = 1;
    char *text = (char *)amb_file_read(path, MAX_FILE, &size, err);
    if (!text)
        return false;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    bool ok = strlen(text) == size || amb_fail(err, "%s: no text file (it holds a zero byte)", path);
    plan->moment = calloc(lines < AMB_STYLE_MOMENTS_MAX ? lines : AMB_STYLE_MOMENTS_MAX, sizeof *plan->moment);
    if (ok && !plan->moment)
        ok = amb_fail(err, "%s: out of memory for %zu styles", path, lines);
    char *line = text;
    for (int number = 1; ok && line; number++) {
        char *next = strchr(line, '\n'), *comment;
        if (next)
            *next++ = 0;
        if ((comment = strchr(line, '#')) != NULL)
            *comment = 0;
        ok = parse_line(plan, line, err) || amb_fail_in(err, "%s: line %d", path, number);
        line = next;
    }
    if (ok && plan->moments == 0)
        ok = amb_fail(err, "%s: no style in it, expected lines of TIME STYLE", path);
    free(text);
    if (!ok)
        amb_style_plan_free(plan);
    return ok;
}

void amb_style_plan_free(amb_style_plan *plan)
{
    free(plan->moment);
    *plan = (amb_style_plan){0};
}

void amb_style_draw(const amb_style_plan *plan, amb_rng *rng, amb_latent *latent, double *pace)
{
    const amb_styles *styles = plan->styles;
    const bool blend = amb_rng_uniform(rng) < plan->blends;
    const amb_style *a = &styles->style[amb_rng_below(rng, (uint32_t)styles->count)];
    const amb_style *b = &styles->style[amb_rng_below(rng, (uint32_t)styles->count)];
    const double between = amb_rng_uniform(rng);
    amb_latent_between(&a->latent, &b->latent, blend ? between : 0, latent);
    const bool as_it_is = amb_rng_uniform(rng) < .5;
    const double change = amb_rng_range(rng, -plan->pace, plan->pace);
    *pace = as_it_is ? 1 : 1 + change;
}
