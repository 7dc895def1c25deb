/* Writes and reads the list of motions that a network was trained on. */
#include "policy/motion_list.h"

#include "base/text.h"
#include "sim/character.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ami_motion_list_print(const ami_listed_motion *motion, int count)
{
    json_t *list = json_array();
    bool ok = list != NULL;
    for (int i = 0; i < count; i++) {
        char crc[16], bodies[256];
        snprintf(crc, sizeof crc, "%08x", (unsigned)motion[i].crc);
        ami_bodies_print(motion[i].may_touch, bodies, sizeof bodies);
        json_t *o = json_object();
        ok = ok && o && json_object_set_new(o, "name", json_string(motion[i].name)) == 0 &&
             json_object_set_new(o, "crc32c", json_string(crc)) == 0 &&
             json_object_set_new(o, "may_touch", json_string(bodies)) == 0;
        ok = json_array_append_new(list, o) == 0 && ok;
    }
    char *text = ok ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static bool read_one(const json_t *o, ami_listed_motion *m, ami_error *err)
{
    const char *name = text_of(o, "name"), *crc = text_of(o, "crc32c"), *bodies = text_of(o, "may_touch");
    if (!name || !*name || strlen(name) >= sizeof m->name || !ami_text_is_printable(name))
        return ami_fail(err, "\"name\" is missing or no printable name");
    snprintf(m->name, sizeof m->name, "%s", name);
    if (!crc || strlen(crc) != 8 || crc[strspn(crc, "0123456789abcdefABCDEF")])
        return ami_fail(err, "\"crc32c\" of \"%s\" is \"%.40s\", expected 8 hexadecimal digits", name,
                        crc ? crc : "");
    m->crc = (uint32_t)strtoul(crc, NULL, 16);
    if (!bodies || !ami_bodies_read(bodies, &m->may_touch, err))
        return bodies ? ami_fail_in(err, "\"may_touch\" of \"%s\"", name)
                      : ami_fail(err, "\"may_touch\" of \"%s\" is missing", name);
    return true;
}

bool ami_motion_list_read(const char *text, ami_listed_motion **motion, int *count, ami_error *err)
{
    json_error_t where;
    json_t *list = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    const size_t n = json_array_size(list);
    *motion = NULL;
    *count = 0;
    bool ok = n > 0 && n <= AMI_LISTED_MAX;
    if (!ok)
        ami_fail(err, "\"%.40s\" found, expected a list of 1 to %d motions in JSON", text, AMI_LISTED_MAX);
    if (ok && !(*motion = calloc(n, sizeof **motion)))
        ok = ami_fail(err, "out of memory for a list of %zu motions", n);
    for (size_t i = 0; ok && i < n; i++) {
        ok = read_one(json_array_get(list, i), &(*motion)[i], err) ||
             ami_fail_in(err, "motion %zu of the list", i + 1);
        if (ok && ami_motion_list_find(*motion, (int)i, (*motion)[i].name))
            ok = ami_fail(err, "motion %zu of the list: \"%s\" is there twice", i + 1, (*motion)[i].name);
    }
    json_decref(list);
    if (!ok) {
        free(*motion);
        *motion = NULL;
        return false;
    }
    *count = (int)n;
    return true;
}

const ami_listed_motion *ami_motion_list_find(const ami_listed_motion *motion, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(motion[i].name, name))
            return &motion[i];
    return NULL;
}
