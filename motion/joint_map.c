/* The parts of a body among the joints of a recorded skeleton. */
#include "motion/joint_map.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *const ami_part_name[AMI_PARTS] = {
    "hips",       "chest",     "neck",      "head",          "right_thigh",  "right_shin",
    "right_foot", "right_toe", "right_arm", "right_forearm", "right_hand",   "left_thigh",
    "left_shin",  "left_foot", "left_toe",  "left_arm",      "left_forearm", "left_hand",
};

/* What a name means by itself. Where two kinds could be the same part, settle_side() chooses. */
typedef enum kind {
    OTHER,
    NECK,
    HEAD,
    THIGH,
    HIP, /* a thigh, or a helper between hips and thigh */
    SHIN,
    LEG, /* a shin, or a thigh where there is a shin */
    ANKLE,
    FOOT, /* a foot, or the toes where there is an ankle */
    TOE,
    ARM,
    SHOULDER, /* a collar bone, or an arm where there is none */
    FOREARM,
    WRIST,
    HAND, /* a hand, unless there is a wrist */
    KINDS
} kind;

/* Names without prefix, side, case and separators, and without numbers at the end. */
static const struct {
    const char *name;
    kind kind;
} synonyms[] = {
    {"neck", NECK},      {"neckbase", NECK},  {"cervical", NECK},     {"head", HEAD},
    {"skull", HEAD},     {"thigh", THIGH},    {"upleg", THIGH},       {"upperleg", THIGH},
    {"uleg", THIGH},     {"femur", THIGH},    {"hip", HIP},           {"shin", SHIN},
    {"calf", SHIN},      {"knee", SHIN},      {"lowleg", SHIN},       {"loleg", SHIN},
    {"lowerleg", SHIN},  {"tibia", SHIN},     {"leg", LEG},           {"ankle", ANKLE},
    {"foot", FOOT},      {"feet", FOOT},      {"toe", TOE},           {"toes", TOE},
    {"toebase", TOE},    {"ball", TOE},       {"metatarsal", TOE},    {"arm", ARM},
    {"uparm", ARM},      {"upperarm", ARM},   {"uarm", ARM},          {"humerus", ARM},
    {"bicep", ARM},      {"shldr", ARM},      {"shoulder", SHOULDER}, {"forearm", FOREARM},
    {"lowarm", FOREARM}, {"loarm", FOREARM},  {"lowerarm", FOREARM},  {"elbow", FOREARM},
    {"farm", FOREARM},   {"radius", FOREARM}, {"wrist", WRIST},       {"hand", HAND},
    {"palm", HAND},
};

/* Words that end the question: joints beside the body's own. */
static const char *const foreign[] = {
    "twist",  "roll", "ik",    "pole",   "target", "ctrl", "control", "helper", "thumb",  "index",
    "middle", "ring", "pinky", "little", "finger", "end",  "nub",     "site",   "weapon", "prop",
    "camera", "jaw",  "eye",   "heel",   "share",  "hold", "socket",  "tweak",  "mch",    "fk",
};

/* Words in front that say nothing. */
static const char *const prefixes[] = {
    "mixamorig", "bip",   "biped",    "bip01",      "bip001", "def",     "org",
    "character", "actor", "skeleton", "model",      "cc",     "base",    "bn",
    "bone",      "b",     "jnt",      "joint",      "j",      "sk",      "rig",
    "root",      "human", "genesis",  "valvebiped", "newton", "subject", "bvh",
};

enum { MAX_WORDS = 12, WORD = 32 };

typedef struct words {
    char word[MAX_WORDS][WORD]; /* lower case */
    int count;
} words;

/* "LeftUpLeg" is left, up, leg; "upperarm_l" upperarm, l; "mixamorig1:LHipJoint" l, hip, joint. */
static words split(const char *name)
{
    words w = {.count = 0};
    const char *colon = strrchr(name, ':');
    const char *text = colon && colon[1] ? colon + 1 : name;
    int length = 0;
    for (int i = 0; w.count < MAX_WORDS; i++) {
        const unsigned char c = (unsigned char)text[i], before = i ? (unsigned char)text[i - 1] : 0;
        const unsigned char after = c ? (unsigned char)text[i + 1] : 0;
        const bool letter = isalpha(c) || c >= 0x80, digit = isdigit(c);
        const bool begins = (isupper(c) && islower(before)) ||
                            (isupper(c) && isupper(before) && islower(after)) ||
                            (digit && !isdigit(before)) || (letter && isdigit(before));
        if (length > 0 && (begins || !(letter || digit))) {
            w.word[w.count++][length] = 0;
            length = 0;
            if (w.count == MAX_WORDS)
                break;
        }
        if (c == 0)
            break;
        if ((letter || digit) && length < WORD - 1)
            w.word[w.count][length++] = (char)tolower(c);
    }
    return w;
}

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(word, list[i]) == 0)
            return true;
    return false;
}

static bool is_number(const char *word)
{
    return isdigit((unsigned char)word[0]);
}

static kind look_up(const char *name)
{
    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++)
        if (strcmp(name, synonyms[i].name) == 0)
            return synonyms[i].kind;
    return OTHER;
}

typedef struct meaning {
    kind kind;
    int side;   /* 0 none, 1 right, -1 left */
    int number; /* at the end of the name; 0 without one */
} meaning;

static int side_of(const char *word)
{
    static const char *const left[] = {"left", "l", "lft", "links"};
    static const char *const right[] = {"right", "r", "rgt", "rechts"};
    return is_one_of(word, right, sizeof right / sizeof *right) ? 1
           : is_one_of(word, left, sizeof left / sizeof *left)  ? -1
                                                                : 0;
}

/* `common`: the word that all names begin with, NULL for none. */
static meaning meaning_of(const char *name, const char *common)
{
    words w = split(name);
    meaning m = {OTHER, 0, 0};
    char joined[MAX_WORDS * WORD] = "";
    bool begun = false;
    for (int i = 0; i < w.count; i++) {
        const char *word = w.word[i];
        const int side = side_of(word);
        if (is_one_of(word, foreign, sizeof foreign / sizeof *foreign))
            return (meaning){OTHER, 0, 0};
        if (side && !m.side) {
            m.side = side;
        } else if (is_number(word)) {
            if (begun)
                m.number =
                    word[0] - '0' ? (int)strlen(word) * 10 + word[0] - '0' : word[strlen(word) - 1] - '0';
        } else if (i == 0 && common && strcmp(word, common) == 0) {
            continue;
        } else if (begun || !is_one_of(word, prefixes, sizeof prefixes / sizeof *prefixes)) {
            strcat(joined, word);
            begun = true;
        }
    }
    m.kind = look_up(joined);
    /* "lthigh", "rfoot", "leftfoot", "footl" in one word */
    static const char *const sides[] = {"left", "right", "l", "r"};
    for (int i = 0; m.kind == OTHER && !m.side && i < 4; i++) {
        const size_t n = strlen(sides[i]), all = strlen(joined);
        if (all <= n)
            continue;
        if (strncmp(joined, sides[i], n) == 0 && look_up(joined + n) != OTHER) {
            m.kind = look_up(joined + n);
            m.side = side_of(sides[i]);
        } else if (strcmp(joined + all - n, sides[i]) == 0) {
            joined[all - n] = 0;
            m.kind = look_up(joined);
            m.side = m.kind == OTHER ? 0 : side_of(sides[i]);
        }
    }
    return m;
}

static bool hangs_on(const ami_mocap *m, int joint, int on)
{
    while (joint > on)
        joint = m->joint[joint].parent;
    return joint == on;
}

/* Depth-first order numbers parents before children, so the meeting point of two is found by climbing. */
static int meet(const ami_mocap *m, int a, int b)
{
    while (a != b && a >= 0 && b >= 0) {
        if (a > b)
            a = m->joint[a].parent;
        else
            b = m->joint[b].parent;
    }
    return a < 0 || b < 0 ? -1 : a;
}

/* Of two joints of one kind the nearer to the root, and of twist segments the one without a number. */
static void note(int found[KINDS], int number[KINDS], meaning what, int joint)
{
    if (found[what.kind] < 0 || (what.kind != OTHER && what.number < number[what.kind])) {
        found[what.kind] = joint;
        number[what.kind] = what.number;
    }
}

static int first_of(int a, int b)
{
    return a >= 0 ? a : b;
}

static void settle_side(ami_joint_map *map, const int found[KINDS], int side)
{
    int *part = map->joint + (side > 0 ? AMI_PART_RIGHT : AMI_PART_LEFT);
    const bool leg_is_thigh = found[THIGH] < 0 && found[SHIN] >= 0 && found[LEG] >= 0;
    part[AMI_PART_THIGH] = leg_is_thigh ? found[LEG] : first_of(found[THIGH], found[HIP]);
    part[AMI_PART_SHIN] = leg_is_thigh ? found[SHIN] : first_of(found[SHIN], found[LEG]);
    part[AMI_PART_FOOT] = first_of(found[ANKLE], found[FOOT]);
    part[AMI_PART_TOE] = first_of(found[TOE], found[ANKLE] >= 0 ? found[FOOT] : -1);
    part[AMI_PART_ARM] = first_of(found[ARM], found[SHOULDER]);
    part[AMI_PART_FOREARM] = found[FOREARM];
    part[AMI_PART_HAND] = first_of(found[WRIST], found[HAND]);
}

/* The joint or end site below `joint` that is furthest from it; -1 if nothing is. */
static int tip_of(const ami_mocap *m, int joint)
{
    int tip = -1;
    double reach = 0;
    for (int j = joint + 1; joint >= 0 && j < m->joints; j++)
        if (m->joint[j].parent == joint) {
            const double *o = m->joint[j].offset, length = o[0] * o[0] + o[1] * o[1] + o[2] * o[2];
            if (tip < 0 || length > reach) {
                tip = j;
                reach = length;
            }
        }
    return tip;
}

/* Whether four of five joints have names that begin with the same word: a prefix that no table knows. */
static bool shared_word(const ami_mocap *m, char common[WORD])
{
    const words last = split(m->joint[m->joints - 1].name);
    int names = 0, same = 0;
    memcpy(common, last.word[0], WORD);
    for (int j = 0; last.count > 1 && j < m->joints; j++) {
        const words w = split(m->joint[j].name);
        names += !m->joint[j].end;
        same += !m->joint[j].end && w.count > 1 && strcmp(w.word[0], common) == 0;
    }
    return names > 4 && same * 5 >= names * 4;
}

static void guess_by_name(ami_joint_map *map, const ami_mocap *m)
{
    int found[3][KINDS], number[3][KINDS] = {{0}};
    memset(found, -1, sizeof found);
    char common[WORD];
    const bool shared = shared_word(m, common);
    for (int j = 0; j < m->joints; j++) {
        if (m->joint[j].end)
            continue;
        const meaning what = meaning_of(m->joint[j].name, shared ? common : NULL);
        if (what.kind != OTHER)
            note(found[what.side + 1], number[what.side + 1], what, j);
    }
    for (int p = 0; p < AMI_PARTS; p++)
        map->joint[p] = -1;
    settle_side(map, found[0], -1);
    settle_side(map, found[2], 1);
    map->joint[AMI_PART_NECK] = found[1][NECK];
    map->joint[AMI_PART_HEAD] = found[1][HEAD];
}

/* A joint above the chest that carries no arm; -1 if there is none. */
static int find_neck(const ami_joint_map *map, const ami_mocap *m)
{
    const int chest = map->joint[AMI_PART_CHEST];
    for (int j = chest + 1; chest >= 0 && j < m->joints; j++)
        if (m->joint[j].parent == chest && !m->joint[j].end &&
            !hangs_on(m, map->joint[AMI_PART_RIGHT + AMI_PART_ARM], j) &&
            !hangs_on(m, map->joint[AMI_PART_LEFT + AMI_PART_ARM], j))
            return j;
    return -1;
}

/* The end of the chain of single joints that begins with `joint`. */
static int last_below(const ami_mocap *m, int joint)
{
    for (int j = joint + 1; joint >= 0 && j < m->joints; j++)
        if (m->joint[j].parent == joint && !m->joint[j].end)
            joint = j;
    return joint;
}

/* What follows from the parts that are known, where nothing else was said. */
static void guess_by_tree(ami_joint_map *map, const ami_mocap *m, const bool given[AMI_PARTS])
{
    int *part = map->joint;
    const int right = AMI_PART_RIGHT, left = AMI_PART_LEFT;
    if (m->global) { /* no tree: names alone */
        for (int j = 0; j < m->joints; j++) {
            words w = split(m->joint[j].name);
            char joined[MAX_WORDS * WORD] = "";
            for (int i = 0; i < w.count; i++)
                if (!is_number(w.word[i]))
                    strcat(joined, w.word[i]);
            static const char *const hips[] = {"hips", "pelvis", "hip", "root"};
            static const char *const chest[] = {"chest", "spine", "thorax", "upperchest"};
            if (!given[AMI_PART_HIPS] && part[AMI_PART_HIPS] < 0 && is_one_of(joined, hips, 4))
                part[AMI_PART_HIPS] = j;
            if (!given[AMI_PART_CHEST] && is_one_of(joined, chest, 4))
                part[AMI_PART_CHEST] = j; /* the last */
        }
        return;
    }
    for (int side = right; side <= left; side += left - right) {
        int *s = part + side;
        if (!given[side + AMI_PART_HAND] && s[AMI_PART_HAND] < 0)
            s[AMI_PART_HAND] = tip_of(m, s[AMI_PART_FOREARM]);
        if (!given[side + AMI_PART_TOE] && s[AMI_PART_TOE] < 0)
            s[AMI_PART_TOE] = tip_of(m, s[AMI_PART_FOOT]);
        if (!given[side + AMI_PART_FOOT] && s[AMI_PART_FOOT] < 0)
            s[AMI_PART_FOOT] = tip_of(m, s[AMI_PART_SHIN]);
    }
    const int legs = meet(m, part[right + AMI_PART_THIGH], part[left + AMI_PART_THIGH]);
    const int arms = meet(m, part[right + AMI_PART_ARM], part[left + AMI_PART_ARM]);
    if (!given[AMI_PART_HIPS])
        part[AMI_PART_HIPS] = legs;
    if (!given[AMI_PART_CHEST])
        part[AMI_PART_CHEST] = legs >= 0 && arms > legs && hangs_on(m, arms, legs) ? arms : -1;
    if (!given[AMI_PART_NECK] && part[AMI_PART_NECK] < 0 && part[AMI_PART_HEAD] < 0)
        part[AMI_PART_NECK] = find_neck(map, m);
    if (!given[AMI_PART_NECK] && part[AMI_PART_NECK] < 0 && part[AMI_PART_HEAD] > 0)
        part[AMI_PART_NECK] = part[AMI_PART_HEAD];
    if (!given[AMI_PART_HEAD] && part[AMI_PART_HEAD] < 0)
        part[AMI_PART_HEAD] = last_below(m, part[AMI_PART_NECK]);
}

static bool part_by_name(const char *name, size_t length, int *part)
{
    for (*part = 0; *part < AMI_PARTS; ++*part)
        if (strlen(ami_part_name[*part]) == length && strncmp(ami_part_name[*part], name, length) == 0)
            return true;
    return false;
}

static bool read_map(ami_joint_map *map, bool given[AMI_PARTS], const ami_mocap *m, const char *text,
                     ami_error *err)
{
    for (int line = 1; *text; line++) {
        const size_t whole = strcspn(text, "\r\n");
        const char *at = text + strspn(text, " \t"), *end = text + whole;
        text = end + (end[0] == '\r' && end[1] == '\n' ? 2 : end[0] != 0);
        while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        if (at >= end || *at == '#')
            continue;
        const char *equals = memchr(at, '=', (size_t)(end - at));
        if (!equals)
            return ami_fail(err, "line %d of the map: \"%.*s\", expected PART = JOINT", line,
                            (int)(end - at < 60 ? end - at : 60), at);
        const char *stop = equals;
        while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        int part;
        if (!part_by_name(at, (size_t)(stop - at), &part))
            return ami_fail(err,
                            "line %d of the map: \"%.*s\" is no part; expected hips, chest, neck, head, or "
                            "left_ or right_ and thigh, shin, foot, toe, arm, forearm, hand",
                            line, (int)(stop - at < 60 ? stop - at : 60), at);
        const char *name = equals + 1 + strspn(equals + 1, " \t");
        char joint[AMI_NAME] = "";
        if (name < end && (size_t)(end - name) < sizeof joint) {
            memcpy(joint, name, (size_t)(end - name));
            joint[end - name] = 0;
        }
        given[part] = true;
        map->joint[part] = joint[0] ? ami_mocap_joint_by_name(m, joint) : -1;
        if (name < end && map->joint[part] < 0)
            return ami_fail(err, "line %d of the map: the motion has no joint \"%.*s\"", line,
                            (int)(end - name < 64 ? end - name : 64), name);
    }
    return true;
}

bool ami_joint_map_guess(ami_joint_map *map, const ami_mocap *mocap, const char *text, ami_error *err)
{
    bool given[AMI_PARTS] = {false};
    guess_by_name(map, mocap);
    if (text && !read_map(map, given, mocap, text, err))
        return false;
    guess_by_tree(map, mocap, given);
    return true;
}

bool ami_joint_map_find(ami_joint_map *map, const ami_mocap *mocap, const char *text, ami_error *err)
{
    if (!ami_joint_map_guess(map, mocap, text, err))
        return false;
    static const int needed[] = {AMI_PART_THIGH, AMI_PART_SHIN,    AMI_PART_FOOT,
                                 AMI_PART_ARM,   AMI_PART_FOREARM, AMI_PART_HAND};
    static const char remedy[] =
        "name it in a map file (--map FILE; amble clip map prints one to begin with)";
    int missing = map->joint[AMI_PART_HIPS] < 0 ? AMI_PART_HIPS : -1;
    for (int side = AMI_PART_RIGHT; side <= AMI_PART_LEFT; side += AMI_PART_LEFT - AMI_PART_RIGHT)
        for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
            if (map->joint[side + needed[i]] < 0)
                missing = side + needed[i];
    if (missing >= 0) {
        char names[300] = "";
        size_t used = 0;
        for (int j = 0; j < mocap->joints && used < sizeof names - AMI_NAME - 8; j++)
            if (!mocap->joint[j].end)
                used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                         mocap->joint[j].name);
        return ami_fail(err, "no joint is the %s, among %s; %s", ami_part_name[missing], names, remedy);
    }
    if (mocap->global)
        return true;
    for (int side = AMI_PART_RIGHT; side <= AMI_PART_LEFT; side += AMI_PART_LEFT - AMI_PART_RIGHT) {
        const int *s = map->joint + side;
        static const int chain[2][3] = {{AMI_PART_THIGH, AMI_PART_SHIN, AMI_PART_FOOT},
                                        {AMI_PART_ARM, AMI_PART_FOREARM, AMI_PART_HAND}};
        for (int c = 0; c < 2; c++)
            for (int k = 1; k < 3; k++) {
                const int below = s[chain[c][k]], above = s[chain[c][k - 1]];
                if (below >= 0 && (below == above || !hangs_on(mocap, below, above)))
                    return ami_fail(err, "the %s (\"%s\") does not hang on the %s (\"%s\"); %s",
                                    ami_part_name[side + chain[c][k]], mocap->joint[below].name,
                                    ami_part_name[side + chain[c][k - 1]], mocap->joint[above].name, remedy);
            }
    }
    return true;
}
