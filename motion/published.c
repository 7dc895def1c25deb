#include "motion/published.h"

#include <string.h>

static const ami_published table[] = {
    {"backflip", 72e6, .729, 440, 100}, {"cartwheel", 51e6, .804, 200, 470},
    {"crawl", 68e6, .932, 0, 0},        {"dance_a", 67e6, .863, 0, 0},
    {"dance_b", 79e6, .822, 0, 0},      {"getup_facedown", 49e6, .885, 0, 0},
    {"getup_faceup", 66e6, .838, 0, 0}, {"jog", 51e6, .951, 0, 0},
    {"jump", 86e6, .947, 0, 0},         {"kick", 50e6, .854, 0, 0},
    {"punch", 60e6, .812, 0, 0},        {"roll", 81e6, .735, 0, 0},
    {"run", 53e6, .951, 720, 300},      {"sideflip", 64e6, .805, 0, 0},
    {"spin", 191e6, .664, 0, 0},        {"spinkick", 67e6, .748, 690, 600},
    {"walk", 61e6, .985, 240, 300},
};

const ami_published *ami_published_find(const char *clip)
{
    const char *slash = strrchr(clip, '/'), *name = slash ? slash + 1 : clip;
    static const char prefix[] = "humanoid3d_";
    if (!strncmp(name, prefix, sizeof prefix - 1))
        name += sizeof prefix - 1;
    const char *dot = strrchr(name, '.');
    const size_t length = dot && !strcmp(dot, ".txt") ? (size_t)(dot - name) : strlen(name);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strlen(table[i].clip) == length && !strncmp(table[i].clip, name, length))
            return &table[i];
    return NULL;
}
