/* Loads teachers and finds them by style or clip. */
#include "learn/teachers.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NETWORK = 256 << 20, NAME = 256 };

static const char *kind(const ami_teachable *what)
{
    return what->styles ? "style" : "clip";
}

static bool find_clip(const ami_teachable *what, const char *name, int *clip, ami_error *err)
{
    char known[512] = "";
    for (int c = 0; c < what->clips; c++) {
        const size_t used = strlen(known);
        if (!strcmp(what->clip[c], name)) {
            *clip = c;
            return true;
        }
        snprintf(known + used, sizeof known - used, "%s%s", c ? ", " : "", what->clip[c]);
    }
    return ami_fail(err, "this training has no clip \"%.80s\", expected one of %s", name, known);
}

/* The teacher of text[length], without its network. */
static bool find_taught(const ami_teachable *what, const char *text, size_t length, ami_teacher *teacher,
                        ami_error *err)
{
    char name[NAME];
    if (length == 0 || length >= (what->styles ? (size_t)AMI_NAME : sizeof name))
        return ami_fail(err, "\"%.40s\" does not begin with a %s's name", text, kind(what));
    memcpy(name, text, length);
    name[length] = 0;
    *teacher = (ami_teacher){.clip = -1};
    if (!what->styles)
        return find_clip(what, name, &teacher->clip, err);
    const int style = ami_styles_find(what->styles, name, err);
    if (style < 0)
        return false;
    ami_latent_of_style(&what->styles->style[style], &teacher->latent);
    return true;
}

static bool is_taken(const ami_teachers *teachers, const ami_teacher *new)
{
    return (new->clip < 0 ? ami_teachers_of(teachers, &new->latent)
                          : ami_teachers_of_clip(teachers, new->clip)) != NULL;
}

/* As if each of the names had been given alone. */
static bool add_crc(uint32_t *crc, const char *text, size_t length, const char *path, ami_error *err)
{
    size_t size;
    unsigned char *data = ami_file_read(path, MAX_NETWORK, &size, err);
    if (!data)
        return false;
    *crc = ami_crc32c(ami_crc32c(ami_crc32c(*crc, text, length), "=", 1), data, size);
    free(data);
    return true;
}

/* Makes room for a network and `more` teachers. */
static bool reserve(ami_teachers *teachers, int more, ami_error *err)
{
    ami_policy **policy =
        realloc(teachers->policy, ((size_t)teachers->policies + 1) * sizeof *teachers->policy);
    teachers->policy = policy ? policy : teachers->policy;
    ami_teacher *teacher =
        realloc(teachers->teacher, ((size_t)teachers->count + (size_t)more) * sizeof *teachers->teacher);
    teachers->teacher = teacher ? teacher : teachers->teacher;
    return (policy && teacher) || ami_fail(err, "out of memory for %d teachers", teachers->count + more);
}

static bool add_names(ami_teachers *teachers, const ami_teachable *what, const char *text, const char *equals,
                      ami_error *err)
{
    for (const char *name = text, *end; name <= equals; name = end + 1) {
        end = memchr(name, ',', (size_t)(equals - name));
        end = end ? end : equals;
        ami_teacher new;
        if (!find_taught(what, name, (size_t)(end - name), &new, err))
            return false;
        new.policy = teachers->policies;
        if (is_taken(teachers, &new))
            return ami_fail(err, "%s \"%.*s\" already has a teacher", kind(what), (int)(end - name), name);
        if (!add_crc(&teachers->crc, name, (size_t)(end - name), equals + 1, err))
            return false;
        teachers->teacher[teachers->count++] = new;
    }
    return true;
}

bool ami_teachers_add(ami_teachers *teachers, const ami_teachable *what, const char *text, ami_error *err)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return ami_fail(err, "\"%.80s\" found, expected %s=FILE", text, what->styles ? "STYLE" : "CLIP");
    int names = 1;
    for (const char *c = text; c < equals; c++)
        names += *c == ',';
    ami_policy *policy = calloc(1, sizeof *policy);
    if (!policy || !reserve(teachers, names, err)) {
        free(policy);
        return ami_fail(err, "out of memory for a teacher");
    }
    teachers->policy[teachers->policies] = policy; /* is_taken looks at it */
    const int before = teachers->count;
    const uint32_t crc = teachers->crc;
    if (add_names(teachers, what, text, equals, err) && ami_policy_load(policy, equals + 1, NULL, err)) {
        teachers->policies++;
        return true;
    }
    teachers->count = before;
    teachers->crc = crc;
    free(policy);
    return false;
}

void ami_teachers_free(ami_teachers *teachers)
{
    for (int i = 0; i < teachers->policies; i++) {
        ami_policy_free(teachers->policy[i]);
        free(teachers->policy[i]);
    }
    free(teachers->policy);
    free(teachers->teacher);
    *teachers = (ami_teachers){0};
}

const ami_policy *ami_teachers_of(const ami_teachers *teachers, const ami_latent *latent)
{
    for (int i = 0; i < teachers->count; i++)
        if (teachers->teacher[i].clip < 0 && ami_latent_same(&teachers->teacher[i].latent, latent))
            return teachers->policy[teachers->teacher[i].policy];
    return NULL;
}

const ami_policy *ami_teachers_of_clip(const ami_teachers *teachers, int clip)
{
    for (int i = 0; i < teachers->count; i++)
        if (teachers->teacher[i].clip == clip)
            return teachers->policy[teachers->teacher[i].policy];
    return NULL;
}
