/* Principal components (Pearson 1901) of a few vectors, for two-dimensional maps of high-dimensional data:
 * the directions in which the vectors vary most about their mean.
 *
 * Computed from the vectors' inner products, n × n, by Jacobi's rotations (1846): for n up to some hundreds
 * and any dimension. The same vectors give the same bits; an axis' sign makes its largest coordinate
 * positive. */
#ifndef AMI_BASE_PCA_H
#define AMI_BASE_PCA_H

#include "base/error.h"

enum { AMI_PCA_VECTORS = 1000 };

typedef struct ami_pca {
    int size, axes;
    double *mean;     /* (size) */
    double *axis;     /* (axes, size), orthonormal; 0 where the vectors do not vary in so many directions */
    double *fraction; /* (axes): of the variance, descending; 0 for axes that are 0 */
} ami_pca;

/* x (n, size): 1 to AMI_PCA_VECTORS vectors of finite numbers. NULL and a sentence otherwise, and where
 * memory is short. */
ami_pca *ami_pca_create(const float *x, int n, int size, int axes, ami_error *err);
void ami_pca_destroy(ami_pca *pca); /* NULL is fine */

/* Coordinates of a vector x (size) on the axes: out (axes). */
void ami_pca_project(const ami_pca *pca, const float *x, double *out);

#endif
