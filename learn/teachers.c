#include "learn/teachers.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NETWORK = 256 << 20 };

static bool find_style(const amb_styles *styles, const char *text, const char *equals, int *style,
                       amb_error *err)
{
    char name[AMB_NAME];
    const size_t length = (size_t)(equals - text);
    if (length >= sizeof name)
        return amb_fail(err, "\"%.40s...\" is no style's name", text);
    memcpy(name, text, length);
    name[length] = 0;
    *style = amb_styles_find(styles, name, err);
    return *style >= 0;
}

static bool add_crc(amb_teachers *teachers, const char *text, const char *path, amb_error *err)
{
    size_t size;
    unsigned char *data = amb_file_read(path, MAX_NETWORK, &size, err);
    if (!data)
        return false;
    teachers->crc = amb_crc32c(amb_crc32c(teachers->crc, text, (size_t)(path - text)), data, size);
    free(data);
    return true;
}

bool amb_teachers_add(amb_teachers *teachers, const amb_styles *styles, const char *text, amb_error *err)
{
    const char *equals = strchr(text, '=');
    int style = -1;
    if (!equals || equals == text || !equals[1])
        return amb_fail(err, "\"%.80s\" found, expected STYLE=FILE", text);
    if (!find_style(styles, text, equals, &style, err))
        return false;
    amb_teacher new;
    amb_latent_of_style(&styles->style[style], &new.latent);
    if (amb_teachers_of(teachers, &new.latent))
        return amb_fail(err, "%s has a teacher already", styles->style[style].name);
    amb_teacher *grown = realloc(teachers->teacher, ((size_t)teachers->count + 1) * sizeof *grown);
    if (!grown)
        return amb_fail(err, "out of memory for %d teachers", teachers->count + 1);
    teachers->teacher = grown;
    if (!amb_policy_load(&new.policy, equals + 1, NULL, err))
        return false;
    if (!add_crc(teachers, text, equals + 1, err)) {
        amb_policy_free(&new.policy);
        return false;
    }
    teachers->teacher[teachers->count++] = new;
    return true;
}

void amb_teachers_free(amb_teachers *teachers)
{
    for (int i = 0; i < teachers->count; i++)
        amb_policy_free(&teachers->teacher[i].policy);
    free(teachers->teacher);
    *teachers = (amb_teachers){0};
}

const amb_policy *amb_teachers_of(const amb_teachers *teachers, const amb_latent *latent)
{
    for (int i = 0; i < teachers->count; i++)
        if (amb_latent_same(&teachers->teacher[i].latent, latent))
            return &teachers->teacher[i].policy;
    return NULL;
}
