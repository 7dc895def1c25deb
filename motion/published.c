#include "motion/published.h"

static const ami_published table[] = {
    {"backflip", 0x2bd8322e, 72e6, .729, 440, 100}, {"cartwheel", 0x3f48eb3d, 51e6, .804, 200, 470},
    {"crawl", 0xfbce0810, 68e6, .932, 0, 0},        {"dance_a", 0xb02cba0f, 67e6, .863, 0, 0},
    {"dance_b", 0x1cbf4922, 79e6, .822, 0, 0},      {"getup_facedown", 0xbbda74b8, 49e6, .885, 0, 0},
    {"getup_faceup", 0x49f37f10, 66e6, .838, 0, 0}, {"jog", 0xc8a8f36d, 51e6, .951, 0, 0},
    {"jump", 0x77be5670, 86e6, .947, 0, 0},         {"kick", 0x609ececd, 50e6, .854, 0, 0},
    {"punch", 0x6438b097, 60e6, .812, 0, 0},        {"roll", 0xa70308e5, 81e6, .735, 0, 0},
    {"run", 0x64055fd0, 53e6, .951, 720, 300},      {"sideflip", 0x0b910308, 64e6, .805, 0, 0},
    {"spin", 0xc76c46fd, 191e6, .664, 0, 0},        {"spinkick", 0x39dede46, 67e6, .748, 690, 600},
    {"walk", 0x3f16effc, 61e6, .985, 240, 300},
};

const ami_published *ami_published_find(const ami_clip *clip)
{
    const uint32_t crc = ami_clip_crc(clip);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].crc == crc)
            return &table[i];
    return NULL;
}
