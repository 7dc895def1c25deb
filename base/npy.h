/* NumPy's .npy files (NEP 1, format versions 1.0, 2.0 and 3.0): arrays of float32 or float64, little-endian,
 * in C order.
 *
 * Everything else is refused in one sentence that names the file, what was found and what was expected: other
 * types, big-endian numbers, Fortran order, object arrays, a shape without dimensions, with a zero, with more
 * than AMB_NPY_MAX_RANK dimensions or with more numbers than the file holds, a header that is not the three
 * entries NumPy writes, data that ends early or goes on too long. No more memory is taken than a small
 * multiple of the file's own size, whatever it claims. Infinities and NaN are numbers like others here. */
#ifndef AMB_BASE_NPY_H
#define AMB_BASE_NPY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { AMB_NPY_MAX_RANK = 8 };

typedef enum amb_npy_type { AMB_NPY_FLOAT32, AMB_NPY_FLOAT64 } amb_npy_type;

/* What the reader may hand out. */
typedef enum amb_npy_want {
    AMB_NPY_AS_STORED,      /* either type, as it lies in the file */
    AMB_NPY_ONLY_FLOAT32,   /* a float64 file is refused */
    AMB_NPY_ROUND_TO_FLOAT, /* float64 is rounded to the nearest float32; a finite number that would become
                               infinite is refused */
    AMB_NPY_WIDEN_TO_DOUBLE /* float32 is widened, exactly */
} amb_npy_want;

typedef struct amb_npy {
    amb_npy_type type;
    int rank; /* 1 .. AMB_NPY_MAX_RANK */
    size_t shape[AMB_NPY_MAX_RANK];
    size_t count; /* the shape's product, > 0 */
    union {
        float *f32; /* (count) where type is AMB_NPY_FLOAT32; C order */
        double *f64;
        void *data; /* malloc'd */
    };
} amb_npy;

/* Reads a whole file of at most 1 GiB. False and a sentence beginning with the path on error; *array is then
 * empty (no data). */
AMB_MUST_CHECK bool amb_npy_read(const char *path, amb_npy_want want, amb_npy *array, amb_error *err);

/* The same from memory; `name` stands in the sentences where the path would. */
AMB_MUST_CHECK bool amb_npy_decode(const void *bytes, size_t size, const char *name, amb_npy_want want,
                                   amb_npy *array, amb_error *err);

/* Leaves it empty; an empty one is fine. */
void amb_npy_free(amb_npy *array);

/* Writes data (the shape's product of `type`) as format 1.0, byte for byte as numpy.save does, atomically
 * (base/file.h). */
AMB_MUST_CHECK bool amb_npy_write(const char *path, amb_npy_type type, int rank, const size_t *shape,
                                  const void *data, amb_error *err);

/* The bytes such a file holds, malloc'd, *size long. NULL and a sentence when memory is short. */
uint8_t *amb_npy_encode(amb_npy_type type, int rank, const size_t *shape, const void *data, size_t *size,
                        amb_error *err);

/* "(2, 60, 73)", "(5,)", cut to size; returns text. */
const char *amb_npy_shape_text(int rank, const size_t *shape, char *text, size_t size);

#endif
