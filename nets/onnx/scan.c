/* Leaves the large raw_data out of a model before protobuf-c decodes it, since protobuf-c copies every field
 * of bytes.
 *
 * Walks only Model.graph, its initialisers, and the tensors in its nodes' attributes; everything else is
 * copied as it lies, unread. Checks framing alone: what the fields mean is the decoder's and the reader's
 * business. Does not trust a length, recurses to a fixed depth. */
#include "nets/onnx/source.h"

#include <stdlib.h>
#include <string.h>

enum {
    LONG = 64,
    LENGTH_BYTES = 5
}; /* raw_data shorter than LONG stays; what replaces a longer one is
                                         shorter than LONG */

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LENGTH = 2, WIRE_32 = 5 };

/* Which fields of a message lead to tensors, by number. */
typedef struct message {
    int fields;
    struct {
        uint32_t number;
        const struct message *type;
    } field[2];
} message;

static const message tensor = {0};
static const message attribute = {1, {{5, &tensor}}};
static const message node = {1, {{5, &attribute}}};
static const message graph = {2, {{1, &node}, {5, &tensor}}};
static const message model = {1, {{7, &graph}}};

enum { TENSOR_RAW_DATA = 9, TENSOR_VIEW_OFFSET = 1000, TENSOR_VIEW_SIZE = 1001 };

typedef struct scan {
    const uint8_t *bytes;
    uint8_t *out;
    size_t used;
} scan;

typedef struct field {
    uint32_t number, wire;
    size_t payload; /* where its content begins */
    size_t end;
} field;

static bool varint(const uint8_t *bytes, size_t *at, size_t end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = bytes[(*at)++];
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool next_field(const uint8_t *bytes, size_t at, size_t end, field *f)
{
    uint64_t tag, length = 0;
    if (!varint(bytes, &at, end, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
        return false;
    f->number = (uint32_t)(tag >> 3);
    f->wire = (uint32_t)(tag & 7);
    f->payload = at;
    switch (f->wire) {
    case WIRE_VARINT:
        if (!varint(bytes, &at, end, &tag))
            return false;
        break;
    case WIRE_64:
        length = 8;
        break;
    case WIRE_LENGTH:
        if (!varint(bytes, &at, end, &length))
            return false;
        f->payload = at;
        break;
    case WIRE_32:
        length = 4;
        break;
    default:
        return false;
    }
    if (length > end - at)
        return false;
    f->end = at + (size_t)length;
    return true;
}

static void put_varint(scan *s, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        s->out[s->used++] = (uint8_t)(value | 0x80);
    s->out[s->used++] = (uint8_t)value;
}

/* Copies a message's fields [at, end) without their long data; *left_out: there was some. False where the
 * framing is broken. */
static bool copy_message(scan *s, const message *type, size_t at, size_t end, bool *left_out);

static bool copy_field(scan *s, const message *type, size_t start, const field *f, bool *left_out)
{
    if (type == &tensor) {
        if (f->number == TENSOR_VIEW_OFFSET || f->number == TENSOR_VIEW_SIZE)
            return false; /* ours alone: no file may claim it */
        if (f->number == TENSOR_RAW_DATA && f->wire == WIRE_LENGTH && f->end - f->payload >= LONG) {
            put_varint(s, TENSOR_VIEW_OFFSET << 3 | WIRE_VARINT);
            put_varint(s, f->payload);
            put_varint(s, TENSOR_VIEW_SIZE << 3 | WIRE_VARINT);
            put_varint(s, f->end - f->payload);
            *left_out = true;
            return true;
        }
    }
    for (int i = 0; i < type->fields && f->wire == WIRE_LENGTH; i++) {
        if (type->field[i].number != f->number)
            continue;
        size_t kept = s->used;
        bool inner = false;
        put_varint(s, (uint64_t)f->number << 3 | WIRE_LENGTH);
        size_t length_at = s->used;
        /* Five bytes whatever the length, since it is not known yet. Taken back where nothing long was left
         * out further in. */
        s->used += LENGTH_BYTES;
        if (!copy_message(s, type->field[i].type, f->payload, f->end, &inner))
            return false;
        if (inner) {
            size_t length = s->used - length_at - LENGTH_BYTES;
            for (int k = 0; k < LENGTH_BYTES; k++, length >>= 7)
                s->out[length_at + (size_t)k] =
                    (uint8_t)((length & 0x7f) | (k + 1 < LENGTH_BYTES ? 0x80 : 0));
            *left_out = true;
            return true;
        }
        s->used = kept;
    }
    memcpy(s->out + s->used, s->bytes + start, f->end - start);
    s->used += f->end - start;
    return true;
}

static bool copy_message(scan *s, const message *type, size_t at, size_t end, bool *left_out)
{
    while (at < end) {
        field f;
        if (!next_field(s->bytes, at, end, &f) || !copy_field(s, type, at, &f, left_out))
            return false;
        at = f.end;
    }
    return true;
}

uint8_t *ami_onnx_scan(const uint8_t *bytes, size_t size, size_t *out_size, bool *no_memory)
{
    /* What is left out saves more than the lengths around it (four at most) grow; but until it comes they
     * have grown already. */
    scan s = {.bytes = bytes, .out = malloc(size + 4 * LENGTH_BYTES)};
    bool left_out = false;
    *no_memory = !s.out;
    if (s.out && copy_message(&s, &model, 0, size, &left_out)) {
        *out_size = s.used;
        return s.out;
    }
    free(s.out);
    return NULL;
}
