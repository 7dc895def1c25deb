/* Loads teachers and finds them by style. */
#include "learn/teachers.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NETWORK = 256 << 20 };

static bool find_style(const ami_styles *styles, const char *text, const char *equals, int *style,
                       ami_error *err)
{
    char name[AMI_NAME];
    const size_t length = (size_t)(equals - text);
    if (length >= sizeof name)
        return ami_fail(err, "\"%.40s...\" is no style's name", text);
    memcpy(name, text, length);
    name[length] = 0;
    *style = ami_styles_find(styles, name, err);
    return *style >= 0;
}

static bool add_crc(ami_teachers *teachers, const char *text, const char *path, ami_error *err)
{
    size_t size;
    unsigned char *data = ami_file_read(path, MAX_NETWORK, &size, err);
    if (!data)
        return false;
    teachers->crc = ami_crc32c(ami_crc32c(teachers->crc, text, (size_t)(path - text)), data, size);
    free(data);
    return true;
}

bool ami_teachers_add(ami_teachers *teachers, const ami_styles *styles, const char *text, ami_error *err)
{
    const char *equals = strchr(text, '=');
    int style = -1;
    if (!equals || equals == text || !equals[1])
        return ami_fail(err, "\"%.80s\" found, expected STYLE=FILE", text);
    if (!find_style(styles, text, equals, &style, err))
        return false;
    ami_teacher new;
    ami_latent_of_style(&styles->style[style], &new.latent);
    if (ami_teachers_of(teachers, &new.latent))
        return ami_fail(err, "style \"%s\" already has a teacher", styles->style[style].name);
    ami_teacher *grown = realloc(teachers->teacher, ((size_t)teachers->count + 1) * sizeof *grown);
    if (!grown)
        return ami_fail(err, "out of memory for %d teachers", teachers->count + 1);
    teachers->teacher = grown;
    if (!ami_policy_load(&new.policy, equals + 1, NULL, err))
        return false;
    if (!add_crc(teachers, text, equals + 1, err)) {
        ami_policy_free(&new.policy);
        return false;
    }
    teachers->teacher[teachers->count++] = new;
    return true;
}

void ami_teachers_free(ami_teachers *teachers)
{
    for (int i = 0; i < teachers->count; i++)
        ami_policy_free(&teachers->teacher[i].policy);
    free(teachers->teacher);
    *teachers = (ami_teachers){0};
}

const ami_policy *ami_teachers_of(const ami_teachers *teachers, const ami_latent *latent)
{
    for (int i = 0; i < teachers->count; i++)
        if (ami_latent_same(&teachers->teacher[i].latent, latent))
            return &teachers->teacher[i].policy;
    return NULL;
}
