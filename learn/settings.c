/* Reads, writes and checks settings. */
#include "learn/settings.h"

#include "base/count.h"
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Any list ---- */

void ami_setting_defaults(const ami_setting *list, int count, double *values)
{
    for (int i = 0; i < count; i++)
        values[i] = list[i].value;
}

int ami_setting_find(const ami_setting *list, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        const char *a = list[i].name, *b = name;
        while (*a && (*a == *b || (*a == '_' && *b == '-')))
            a++, b++;
        if (!*a && !*b)
            return i;
    }
    return -1;
}

bool ami_setting_set(const ami_setting *setting, double *value, const char *text, ami_error *err)
{
    double read;
    if (!ami_count_read(text, &read))
        return ami_fail(err, "%s: \"%.40s\" is not a number", setting->name, text);
    if (setting->whole && read != floor(read))
        return ami_fail(err, "%s: %s found, expected a whole number", setting->name, text);
    if (read < setting->lo || read > setting->hi)
        return ami_fail(err, "%s: %s found, expected %g to %g", setting->name, text, setting->lo,
                        setting->hi);
    *value = read;
    return true;
}

size_t ami_setting_print(const ami_setting *list, int count, const double *values, char *text, size_t size)
{
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        char number[AMI_NUMBER_TEXT];
        const int n = snprintf(text ? text + length : NULL, text && size > length ? size - length : 0,
                               "%s=%s\n", list[i].name, ami_number_print(values[i], number));
        length += (size_t)n;
        if (length >= size)
            text = NULL;
    }
    return length;
}

/* `find` also knows former names. */
static bool parse_lines(const ami_setting *list, int count, double *values, const char *text,
                        int (*find)(const ami_setting *, int, const char *), ami_error *err)
{
    while (*text) {
        char name[64], value[64];
        int used = 0;
        if (sscanf(text, "%63[^=\n]=%63[^\n]%n", name, value, &used) != 2 ||
            (text[used] && text[used] != '\n'))
            return ami_fail(err, "settings: \"%.40s\" found, expected name=value", text);
        const int i = find(list, count, name);
        if (i < 0)
            return ami_fail(err, "no setting is named \"%s\"", name);
        if (!ami_setting_set(&list[i], &values[i], value, err))
            return false;
        text += used;
        text += *text == '\n';
    }
    return true;
}

bool ami_setting_parse(const ami_setting *list, int count, double *values, const char *text, ami_error *err)
{
    return parse_lines(list, count, values, text, ami_setting_find, err);
}

/* ---- The settings of training ---- */

const ami_setting ami_setting_list[AMI_SETTING_COUNT] = {
#define SETTING(name, kind, value, lo, hi, help) {#name, ami_setting_##kind, value, lo, hi, help},
    AMI_SETTINGS(SETTING)
#undef SETTING
};

_Static_assert(sizeof(ami_settings) == AMI_SETTING_COUNT * sizeof(double),
               "settings are an array of doubles");

ami_settings ami_settings_default(void)
{
    ami_settings settings;
    ami_setting_defaults(ami_setting_list, AMI_SETTING_COUNT, (double *)&settings);
    return settings;
}

static int find_training(const ami_setting *list, int count, const char *name)
{
    /* the name in old checkpoints and networks */
    return ami_setting_find(list, count, strcmp(name, "clip") ? name : "ratio_clip");
}

int ami_setting_by_name(const char *name)
{
    return find_training(ami_setting_list, AMI_SETTING_COUNT, name);
}

bool ami_settings_set(ami_settings *settings, const char *name, const char *text, ami_error *err)
{
    const int i = ami_setting_by_name(name);
    if (i < 0)
        return ami_fail(err, "no setting is named \"%s\" (amble train --help lists them)", name);
    return ami_setting_set(&ami_setting_list[i], (double *)settings + i, text, err);
}

bool ami_settings_check(const ami_settings *settings, ami_error *err)
{
    const double batch = settings->envs * settings->steps;
    if (settings->minibatches > batch)
        return ami_fail(err, "minibatches: %.0f found, but an iteration has only %.0f samples (envs × steps)",
                        settings->minibatches, batch);
    const double shards = ceil(settings->envs / settings->shard),
                 fewest = floor(settings->envs / shards) * settings->steps;
    if (settings->minibatches > fewest)
        return ami_fail(
            err,
            "minibatches: %.0f found, but a shard has only %.0f samples, of which each minibatch takes "
            "some (settings shard, envs, steps)",
            settings->minibatches, fewest);
    if (settings->epochs * settings->minibatches < 2) /* KL is measured at every step but the first of an
                                                         update */
        return ami_fail(err, "epochs × minibatches: 1 found, expected 2 or more, because the learning rate "
                             "depends on the KL divergence, which is 0 before an update's first step");
    if (settings->gamma_end < 0 && settings->gamma_end != -1)
        return ami_fail(err, "gamma_end: %g found, expected -1 (as gamma), or 0 to 0.9999",
                        settings->gamma_end);
    const bool own = settings->friction_min == 0 && settings->friction_max == 0;
    if (!own && !(settings->friction_min >= .01 && settings->friction_min <= settings->friction_max))
        return ami_fail(
            err, "friction_min: %g found, expected 0.01 up to friction_max, which is %g, or 0 for both",
            settings->friction_min, settings->friction_max);
    if (settings->delay_min > settings->delay_max)
        return ami_fail(err, "delay_min: %g found, expected at most delay_max, which is %g",
                        settings->delay_min, settings->delay_max);
    if (settings->hold_min_s > settings->hold_max_s)
        return ami_fail(err, "hold_min_s: %g found, expected at most hold_max_s, which is %g",
                        settings->hold_min_s, settings->hold_max_s);
    if (batch > 1 << 24)
        return ami_fail(err, "envs × steps: %.0f samples in an iteration found, expected at most %d", batch,
                        1 << 24);
    return true;
}

size_t ami_settings_print(const ami_settings *settings, char *text, size_t size)
{
    return ami_setting_print(ami_setting_list, AMI_SETTING_COUNT, (const double *)settings, text, size);
}

bool ami_settings_parse(ami_settings *settings, const char *text, ami_error *err)
{
    return parse_lines(ami_setting_list, AMI_SETTING_COUNT, (double *)settings, text, find_training, err);
}
