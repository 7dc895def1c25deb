/* Fuzzes base/npy.h's reader: no crash, no leak, no memory beyond a small multiple of the input; and what is
 * read can be written and read again, bit for bit. A sentence that is missing, unfinished or not plain text
 * counts as a crash. */
#include "base/npy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth)
        abort();
}

static void round_trip(const ami_npy *a)
{
    ami_npy again;
    size_t size;
    uint8_t *bytes = ami_npy_encode(a->type, a->rank, a->shape, a->data, &size, NULL);
    demand(bytes != NULL);
    demand(ami_npy_decode(bytes, size, "again", AMI_NPY_AS_STORED, &again, NULL));
    demand(again.type == a->type && again.rank == a->rank && again.count == a->count);
    demand(memcmp(again.shape, a->shape, (size_t)a->rank * sizeof a->shape[0]) == 0);
    demand(memcmp(again.data, a->data, a->count * (a->type == AMI_NPY_FLOAT32 ? 4 : 8)) == 0);
    ami_npy_free(&again);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int want = AMI_NPY_AS_STORED; want <= AMI_NPY_WIDEN_TO_DOUBLE; want++) {
        ami_npy array;
        ami_error err = {""};
        if (ami_npy_decode(data, size, "input", (ami_npy_want)want, &array, &err)) {
            demand(array.count * 4 <= size);
            round_trip(&array);
        } else {
            demand(array.data == NULL && strncmp(err.text, "input: ", 7) == 0 &&
                   strlen(err.text) < sizeof err.text - 1);
            for (const char *c = err.text; *c; c++)
                demand(*c >= ' ' && *c <= '~');
        }
        ami_npy_free(&array);
    }
    return 0;
}
