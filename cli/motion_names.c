/* Divides lists of motions. */
#include "cli/motion_names.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file may have commas in its name. */
static bool is_list(const char *text)
{
    return strchr(text, ',') && access(text, F_OK) != 0;
}

bool motion_names_split(const char *const *text, int given, motion_names *names, ami_error *err)
{
    size_t length = 1;
    int count = 0;
    for (int i = 0; i < given; i++) {
        length += strlen(text[i]) + 1;
        count++;
        for (const char *c = text[i]; *c; c++)
            count += *c == ',';
    }
    *names = (motion_names){malloc(length), malloc(((size_t)count + 1) * sizeof *names->name), 0};
    if (!names->text || !names->name)
        return ami_fail(err, "out of memory for %d motions", count);
    char *to = names->text;
    for (int i = 0; i < given; i++) {
        const bool list = is_list(text[i]);
        strcpy(to, text[i]);
        names->name[names->count++] = to;
        for (char *c = to; list && *c; c++)
            if (*c == ',') {
                *c = 0;
                names->name[names->count++] = c + 1;
            }
        to += strlen(text[i]) + 1;
        for (int k = 0; list && k < names->count; k++)
            if (!*names->name[k])
                return ami_fail(err, "--motion: \"%.200s\" found, expected names or files between commas",
                                text[i]);
    }
    return true;
}

void motion_names_free(motion_names *names)
{
    free(names->text);
    free(names->name);
}
