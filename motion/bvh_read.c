/* Reading BVH: the hierarchy word by word, the motion line by line. */
#include "motion/bvh.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is accepted: a number beyond this is a broken file. */
static const double max_length = 1e9, max_angle = 1e7; /* file units, degrees */
static const double min_frame_time = 1e-4, max_frame_time = 1;

typedef struct reader {
    const char *at, *end;
    int line; /* of `at`, from 1 */
    ami_mocap *mocap;
    int capacity; /* joints allocated */
    ami_error *err;
} reader;

typedef struct word {
    const char *text;
    int length, line;
} word;

enum { SHOWN = 40 }; /* characters of a word that a sentence quotes */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\0';
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

/* Over a line's end at `at`: LF, CRLF or CR. */
static void next_line(reader *r)
{
    if (r->at < r->end) {
        r->at += r->at[0] == '\r' && r->at + 1 < r->end && r->at[1] == '\n' ? 2 : 1;
        r->line++;
    }
}

static void skip_blanks(reader *r)
{
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
}

static void skip_space(reader *r)
{
    for (skip_blanks(r); r->at < r->end && is_break(*r->at); skip_blanks(r))
        next_line(r);
}

/* The next word, on any line; a brace is a word of its own. Length 0 at the end. */
static word next_word(reader *r)
{
    skip_space(r);
    word w = {r->at, 0, r->line};
    while (r->at < r->end && !is_blank(*r->at) && !is_break(*r->at)) {
        if ((*r->at == '{' || *r->at == '}') && w.length > 0)
            break;
        r->at++;
        w.length++;
        if (w.text[0] == '{' || w.text[0] == '}')
            break;
    }
    return w;
}

static word peek_word(const reader *r)
{
    reader copy = *r;
    return next_word(&copy);
}

static bool is_word(word w, const char *text)
{
    return (size_t)w.length == strlen(text) && strncasecmp(w.text, text, (size_t)w.length) == 0;
}

static int shown(word w)
{
    return w.length < SHOWN ? w.length : SHOWN;
}

static bool expected(reader *r, word w, const char *what)
{
    return w.length ? ami_fail(r->err, "line %d: found \"%.*s\", expected %s", w.line, shown(w), w.text, what)
                    : ami_fail(r->err, "line %d: the file ends, expected %s", w.line, what);
}

/* Decimal numbers as files have them, at several times strtod's speed: exact where the digits fit into a
 * double and the power of ten is exact too; all else goes to ami_number_read. */
static bool read_number(const char *text, int length, double *value)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *at = text, *const end = text + length;
    const bool negative = at < end && *at == '-';
    unsigned long long digits = 0;
    int count = 0, point = 0;
    bool behind = false;
    for (at += at < end && (*at == '-' || *at == '+'); at < end; at++) {
        if (*at >= '0' && *at <= '9') {
            digits = digits * 10 + (unsigned)(*at - '0');
            count++;
            point += behind;
            if (digits > 900719925474099) /* the next digit might not fit into 53 bits */
                break;
        } else if (*at == '.' && !behind) {
            behind = true;
        } else {
            break;
        }
    }
    if (at == end && count > 0 && point <= 22) {
        *value = (negative ? -(double)digits : (double)digits) / power[point];
        return true;
    }
    char copy[64];
    if (length <= 0 || (size_t)length >= sizeof copy)
        return false;
    memcpy(copy, text, (size_t)length);
    copy[length] = 0;
    return ami_number_read(copy, NULL, value);
}

static bool number_of(reader *r, word w, const char *what, double limit, double *value)
{
    if (!read_number(w.text, w.length, value)) {
        const bool comma = w.length > 0 && memchr(w.text, ',', (size_t)w.length);
        return w.length == 0 ? expected(r, w, what)
                             : ami_fail(r->err, "line %d: %s is \"%.*s\", expected a number%s", w.line, what,
                                        shown(w), w.text, comma ? " with a decimal point" : "");
    }
    return fabs(*value) <= limit ||
           ami_fail(r->err, "line %d: %s is %g, expected at most %g", w.line, what, *value, limit);
}

/* What is left of the line, without blanks at its ends and without a brace, which is given back. */
static word rest_of_line(reader *r)
{
    skip_blanks(r);
    word w = {r->at, 0, r->line};
    const char *end = r->at;
    while (end < r->end && !is_break(*end))
        end++;
    while (end > r->at && is_blank(end[-1]))
        end--;
    if (end > r->at && end[-1] == '{')
        end--;
    r->at = end;
    while (end > w.text && is_blank(end[-1]))
        end--;
    w.length = (int)(end - w.text < 4096 ? end - w.text : 4096);
    return w;
}

static ami_mocap_joint *add_joint(reader *r, int line)
{
    ami_mocap *m = r->mocap;
    if (m->joints == AMI_MOCAP_JOINTS) {
        ami_fail(r->err, "line %d: more than %d joints", line, AMI_MOCAP_JOINTS);
        return NULL;
    }
    if (m->joints == r->capacity) {
        const int capacity = r->capacity ? 2 * r->capacity : 64;
        ami_mocap_joint *joint = realloc(m->joint, (size_t)capacity * sizeof *joint);
        if (!joint) {
            ami_fail(r->err, "out of memory for %d joints", capacity);
            return NULL;
        }
        m->joint = joint;
        r->capacity = capacity;
    }
    ami_mocap_joint *joint = &m->joint[m->joints++];
    memset(joint, 0, sizeof *joint);
    return joint;
}

static bool begin_joint(reader *r, int parent, word keyword, int *number)
{
    const bool end = is_word(keyword, "End");
    const word name = rest_of_line(r);
    const word brace = next_word(r);
    char text[4097];
    if (!is_word(brace, "{"))
        return expected(r, brace, "{ behind a joint's name");
    if (!end && name.length == 0)
        return ami_fail(r->err, "line %d: %.*s has no name", keyword.line, keyword.length, keyword.text);
    ami_mocap_joint *joint = add_joint(r, keyword.line);
    if (!joint)
        return false;
    joint->parent = parent;
    joint->end = end;
    joint->first = r->mocap->channels;
    *number = r->mocap->joints - 1;
    if (end) {
        snprintf(text, sizeof text, "%.*s end", AMI_NAME - 5, r->mocap->joint[parent].name);
    } else {
        memcpy(text, name.text, (size_t)name.length);
        text[name.length] = 0;
    }
    ami_text_escape(text, joint->name, sizeof joint->name);
    return true;
}

static bool read_offset(reader *r, ami_mocap_joint *joint)
{
    static const char *const part[3] = {"OFFSET x", "OFFSET y", "OFFSET z"};
    for (int k = 0; k < 3; k++)
        if (!number_of(r, next_word(r), part[k], max_length, &joint->offset[k]))
            return false;
    return true;
}

static const char *const channel_name[AMI_MOCAP_CHANNELS] = {"Xposition", "Yposition", "Zposition",
                                                             "Xrotation", "Yrotation", "Zrotation",
                                                             "Xscale",    "Yscale",    "Zscale"};

static bool read_channels(reader *r, ami_mocap_joint *joint)
{
    const word count = next_word(r);
    double n;
    if (!number_of(r, count, "the number of CHANNELS", 1e9, &n))
        return false;
    if (joint->end)
        return ami_fail(r->err, "line %d: an end site has CHANNELS, expected none", count.line);
    if (n != floor(n) || n < 0 || n > AMI_MOCAP_CHANNELS)
        return ami_fail(r->err, "line %d: %g CHANNELS, expected 0 to %d", count.line, n, AMI_MOCAP_CHANNELS);
    if (joint->channels > 0)
        return ami_fail(r->err, "line %d: \"%s\" has CHANNELS twice", count.line, joint->name);
    for (int c = 0; c < (int)n; c++) {
        const word w = next_word(r);
        int kind = 0;
        while (kind < AMI_MOCAP_CHANNELS && !is_word(w, channel_name[kind]))
            kind++;
        if (kind == AMI_MOCAP_CHANNELS)
            return expected(r, w, "a channel (Xposition, Zrotation, ...)");
        for (int k = 0; k < c; k++)
            if (joint->channel[k] == kind)
                return ami_fail(r->err, "line %d: \"%s\" has the channel %s twice", w.line, joint->name,
                                channel_name[kind]);
        joint->channel[c] = (unsigned char)kind;
    }
    joint->channels = (int)n;
    joint->first = r->mocap->channels;
    r->mocap->channels += joint->channels;
    return true;
}

static bool marks(const char *from, const char *to, const char *blanks)
{
    return (size_t)(to - from) == strlen(blanks) && memcmp(from, blanks, strlen(blanks)) == 0;
}

/* From HIERARCHY to MOTION, which is read too. */
static bool read_hierarchy(reader *r)
{
    const word first = next_word(r);
    if (!is_word(first, "HIERARCHY"))
        return expected(r, first, "HIERARCHY");
    const word root = next_word(r);
    if (!is_word(root, "ROOT"))
        return expected(r, root, "ROOT");
    int open;
    if (!begin_joint(r, -1, root, &open))
        return false;
    while (open >= 0) { /* the joint whose braces are open */
        const word w = next_word(r);
        ami_mocap_joint *joint = &r->mocap->joint[open];
        bool ok = true;
        if (is_word(w, "OFFSET"))
            ok = read_offset(r, joint);
        else if (is_word(w, "CHANNELS"))
            ok = read_channels(r, joint);
        else if ((is_word(w, "JOINT") || is_word(w, "End")) && !joint->end)
            ok = begin_joint(r, open, w, &open);
        else if (is_word(w, "}"))
            open = joint->parent;
        else
            ok = expected(r, w, joint->end ? "OFFSET or }" : "OFFSET, CHANNELS, JOINT, End Site or }");
        if (!ok)
            return false;
    }
    const word motion = next_word(r);
    if (is_word(motion, "ROOT"))
        return ami_fail(r->err,
                        "line %d: the file holds several roots, expected one: the second is \"%.*s\"; export "
                        "one figure",
                        motion.line, shown(peek_word(r)), peek_word(r).text);
    if (!is_word(motion, "MOTION"))
        return expected(r, motion, "MOTION");
    const char *blanks = r->at;
    skip_blanks(r);
    r->mocap->loop = marks(blanks, r->at, AMI_BVH_LOOP)      ? AMI_MOCAP_LOOP_WRAP
                     : marks(blanks, r->at, AMI_BVH_NO_LOOP) ? AMI_MOCAP_LOOP_NONE
                                                             : AMI_MOCAP_LOOP_UNKNOWN;
    return true;
}

/* "Frames: N" and "Frame Time: S", with any blanks about the colon. */
static bool read_head(reader *r, int *frames)
{
    bool counted = false, timed = false;
    while (!counted || !timed) {
        word w = next_word(r);
        const bool frame = is_word(w, "Frame");
        if (frame) {
            w = next_word(r);
            if (!is_word(w, "Time") && !is_word(w, "Time:"))
                return expected(r, w, "Time: behind Frame");
        } else if (!is_word(w, "Frames") && !is_word(w, "Frames:")) {
            return expected(r, w, counted ? "Frame Time:" : "Frames:");
        }
        if (w.text[w.length - 1] != ':' && peek_word(r).length > 0 && *peek_word(r).text == ':') {
            skip_space(r);
            r->at++;
        }
        const word number = next_word(r);
        double value;
        if (!number_of(r, number, frame ? "Frame Time" : "Frames", 1e9, &value))
            return false;
        if (frame) {
            if (!(value >= min_frame_time && value <= max_frame_time))
                return ami_fail(r->err, "line %d: Frame Time is %g, expected %g to %g s between frames%s",
                                number.line, value, min_frame_time, max_frame_time,
                                value > max_frame_time
                                    ? ": 1 over it if these are frames a second, .001 of it if milliseconds"
                                    : "");
            r->mocap->frame_time = value;
            timed = true;
        } else {
            if (value != floor(value) || value < 1 || value > AMI_CLIP_MAX_FRAMES)
                return ami_fail(r->err, "line %d: Frames is %g, expected 1 to %d", number.line, value,
                                AMI_CLIP_MAX_FRAMES);
            *frames = (int)value;
            counted = true;
        }
    }
    return true;
}

/* The joint that a channel belongs to, and the channel's name. */
static const char *channel_at(const ami_mocap *m, int channel, const char **joint)
{
    for (int j = 0; j < m->joints; j++)
        if (channel >= m->joint[j].first && channel < m->joint[j].first + m->joint[j].channels) {
            *joint = m->joint[j].name;
            return channel_name[m->joint[j].channel[channel - m->joint[j].first]];
        }
    *joint = "?";
    return "?";
}

static bool bad_value(reader *r, int frame, int channel, const char *text, int length)
{
    const char *joint, *name = channel_at(r->mocap, channel, &joint);
    return ami_fail(r->err, "line %d: frame %d: %s of \"%s\" is \"%.*s\", expected a number%s", r->line,
                    frame, name, joint, length < SHOWN ? length : SHOWN, text,
                    memchr(text, ',', (size_t)length) ? " with a decimal point" : "");
}

/* A frame is a line. Returns how many values it has; -1 after an error. `limits` (channels): the largest
 * magnitudes. */
static int read_frame(reader *r, int frame, const double *limits, double *values)
{
    const int channels = r->mocap->channels;
    int n = 0;
    for (skip_blanks(r); r->at < r->end && !is_break(*r->at); skip_blanks(r)) {
        const char *text = r->at;
        while (r->at < r->end && !is_blank(*r->at) && !is_break(*r->at))
            r->at++;
        if (n < channels) {
            if (!read_number(text, (int)(r->at - text < 4096 ? r->at - text : 4096), &values[n])) {
                bad_value(r, frame, n, text, (int)(r->at - text < 4096 ? r->at - text : 4096));
                return -1;
            }
            const double off = limits[n] > 0 ? fabs(values[n]) - limits[n] : fabs(values[n] - 1) - .01;
            if (off > 0) {
                const char *joint, *name = channel_at(r->mocap, n, &joint);
                if (limits[n] > 0)
                    ami_fail(r->err, "line %d: frame %d: %s of \"%s\" is %g, expected at most %g", r->line,
                             frame, name, joint, values[n], limits[n]);
                else
                    ami_fail(r->err,
                             "line %d: frame %d: %s of \"%s\" is %g, expected 1: bones keep their "
                             "length",
                             r->line, frame, name, joint, values[n]);
                return -1;
            }
        }
        n++;
    }
    return n;
}

static bool read_motion(reader *r)
{
    ami_mocap *m = r->mocap;
    int frames = 0;
    if (!read_head(r, &frames))
        return false;
    const size_t channels = (size_t)m->channels;
    if (channels == 0)
        return ami_fail(r->err, "no joint has CHANNELS, so nothing moves");
    /* A value takes a digit and a blank: what cannot be there is not allocated. */
    const size_t left = (size_t)(r->end - r->at) + 1;
    if ((size_t)frames > left / (2 * channels))
        return ami_fail(r->err, "line %d: %d frames of %zu values are announced, but only %zu bytes are left",
                        r->line, frames, channels, left - 1);
    m->value = malloc((size_t)frames * channels * sizeof *m->value);
    double *limits = malloc(channels * sizeof *limits);
    bool ok = (m->value && limits) || ami_fail(r->err, "out of memory for %d frames", frames);
    for (int j = 0; ok && j < m->joints; j++)
        for (int c = 0; c < m->joint[j].channels; c++) {
            const int kind = m->joint[j].channel[c];
            limits[m->joint[j].first + c] = kind < AMI_CHANNEL_ROTATION ? max_length
                                            : kind < AMI_CHANNEL_SCALE  ? max_angle
                                                                        : 0;
        }
    for (int f = 0; ok && f < frames; f++) {
        skip_space(r);
        if (r->at == r->end) {
            ok = ami_fail(r->err, "line %d: the file ends after %d frames, %d are announced", r->line, f,
                          frames);
            break;
        }
        const int n = read_frame(r, f, limits, m->value + (size_t)f * channels);
        if (n >= 0 && n != m->channels)
            ami_fail(r->err, "line %d: frame %d has %d values, expected %d, one for each channel", r->line, f,
                     n, m->channels);
        ok = n == m->channels;
    }
    free(limits);
    if (!ok)
        return false;
    skip_space(r);
    if (r->at < r->end)
        return ami_fail(r->err, "line %d: found \"%.*s\" behind the %d frames that are announced", r->line,
                        shown(peek_word(r)), peek_word(r).text, frames);
    m->frames = frames;
    return true;
}

bool ami_bvh_looks_like(const char *text, size_t size)
{
    reader r = {.at = text, .end = text + size, .line = 1};
    return is_word(next_word(&r), "HIERARCHY");
}

ami_mocap *ami_bvh_decode(const char *text, size_t size, ami_error *err)
{
    reader r = {.at = text, .end = text + size, .line = 1, .err = err};
    r.mocap = calloc(1, sizeof *r.mocap);
    if (!r.mocap) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    if (!read_hierarchy(&r) || !read_motion(&r)) {
        ami_mocap_destroy(r.mocap);
        return NULL;
    }
    return r.mocap;
}
