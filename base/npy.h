/* NumPy's .npy files (NEP 1, format versions 1.0, 2.0 and 3.0): arrays of float32 or float64, little-endian,
 * in C order; with AMI_NPY_ANY of every real number's type and of bool, also single numbers (shape ()) and
 * shapes with a zero. And .npz files: several such arrays under names, stored uncompressed in a ZIP archive.
 *
 * Everything else is refused in one sentence that names the file, what was found and what was expected: other
 * types, big-endian numbers, Fortran order, object arrays, a shape without dimensions, with a zero, with more
 * than AMI_NPY_MAX_RANK dimensions or with more numbers than the file holds, a header that is not the three
 * entries NumPy writes, data that ends early or goes on too long. Memory use is at most a small multiple of
 * the file's size, whatever its header claims. Infinities and NaN are valid numbers. */
#ifndef AMI_BASE_NPY_H
#define AMI_BASE_NPY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { AMI_NPY_MAX_RANK = 8 };

typedef enum ami_npy_type {
    AMI_NPY_FLOAT32,
    AMI_NPY_FLOAT64,
    AMI_NPY_FLOAT16, /* this and the next: only with AMI_NPY_ANY */
    AMI_NPY_BOOL,
    AMI_NPY_INT8,
    AMI_NPY_INT16,
    AMI_NPY_INT32,
    AMI_NPY_INT64,
    AMI_NPY_UINT8,
    AMI_NPY_UINT16,
    AMI_NPY_UINT32,
    AMI_NPY_UINT64,
    AMI_NPY_TYPES,
    AMI_NPY_TEXT = AMI_NPY_TYPES /* only written: 16 bytes each, NumPy's S16 */
} ami_npy_type;

/* "float32", "bool", ...; and bytes of one number. */
const char *ami_npy_type_name(ami_npy_type type);
size_t ami_npy_type_size(ami_npy_type type);

/* The type that the reader returns. */
typedef enum ami_npy_want {
    AMI_NPY_AS_STORED,       /* either type, as in the file */
    AMI_NPY_ONLY_FLOAT32,    /* a float64 file is refused */
    AMI_NPY_ROUND_TO_FLOAT,  /* float64 is rounded to the nearest float32; a finite number that would become
                               infinite is refused */
    AMI_NPY_WIDEN_TO_DOUBLE, /* float32 is widened, exactly */
    AMI_NPY_ANY              /* any type, as it lies in the file */
} ami_npy_want;

typedef struct ami_npy {
    ami_npy_type type;
    int rank; /* 1 .. AMI_NPY_MAX_RANK; with AMI_NPY_ANY from 0 */
    size_t shape[AMI_NPY_MAX_RANK];
    size_t count; /* the shape's product, > 0; with AMI_NPY_ANY from 0 */
    union {
        float *f32; /* (count) where type is AMI_NPY_FLOAT32; C order */
        double *f64;
        void *data; /* malloc'd */
    };
} ami_npy;

/* Reads a whole file of at most 1 GiB. False and a sentence beginning with the path on error; *array is then
 * empty (no data). */
AMI_MUST_CHECK bool ami_npy_read(const char *path, ami_npy_want want, ami_npy *array, ami_error *err);

/* The same from memory; `name` replaces the path in sentences. */
AMI_MUST_CHECK bool ami_npy_decode(const void *data, size_t size, const char *name, ami_npy_want want,
                                   ami_npy *array, ami_error *err);

/* Frees the data and leaves the array empty; an empty one is fine. */
void ami_npy_free(ami_npy *array);

/* Writes data (the shape's product of `type`) as format 1.0, byte for byte as numpy.save does, atomically
 * (base/file.h). */
AMI_MUST_CHECK bool ami_npy_write(const char *path, ami_npy_type type, int rank, const size_t *shape,
                                  const void *data, ami_error *err);

/* The bytes such a file holds, malloc'd, *size long. NULL and a sentence when memory is short. */
uint8_t *ami_npy_encode(ami_npy_type type, int rank, const size_t *shape, const void *data, size_t *size,
                        ami_error *err);

/* Writes `count` arrays as a .npz file, as numpy.savez does: each an entry "NAME.npy", uncompressed, all
 * dated 1980-01-01, so that the same arrays give the same bytes. Atomic. Below 4 GiB. */
AMI_MUST_CHECK bool ami_npz_write(const char *path, int count, const char *const *name, const ami_npy *array,
                                  ami_error *err);

/* "(2, 60, 73)", "(5,)", cut to size; returns text. */
const char *ami_npy_shape_text(int rank, const size_t *shape, char *text, size_t size);

#endif
