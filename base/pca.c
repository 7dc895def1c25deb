/* Principal components by Jacobi's rotations. */
#include "base/pca.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

/* Rotates rows and columns p and q of the symmetric g (n, n) such that g[p][q] becomes 0, and the rows p and
 * q of v with them. */
static void rotate(double *g, double *v, int n, int p, int q)
{
    const double off = g[p * n + q];
    const double theta = (g[q * n + q] - g[p * n + p]) / (2 * off);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1),
                 s = t * c;
    for (int k = 0; k < n; k++) {
        const double a = g[k * n + p], b = g[k * n + q];
        g[k * n + p] = c * a - s * b;
        g[k * n + q] = s * a + c * b;
    }
    for (int k = 0; k < n; k++) {
        const double a = g[p * n + k], b = g[q * n + k], x = v[p * n + k], y = v[q * n + k];
        g[p * n + k] = c * a - s * b;
        g[q * n + k] = s * a + c * b;
        v[p * n + k] = c * x - s * y;
        v[q * n + k] = s * x + c * y;
    }
}

/* Cyclic Jacobi: afterwards g's diagonal holds the eigenvalues, the rows of v the eigenvectors. Converges
 * quadratically: after one more sweep from below rounding error, only rounding error remains. */
static void diagonalise(double *g, double *v, int n)
{
    enum { SWEEPS = 60 };
    for (int i = 0; i < n * n; i++)
        v[i] = i % (n + 1) == 0;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double off = 0, all = 0;
        for (int p = 0; p < n; p++)
            for (int q = 0; q < n; q++) {
                all += g[p * n + q] * g[p * n + q];
                off += p == q ? 0 : g[p * n + q] * g[p * n + q];
            }
        if (off <= 1e-30 * all)
            return;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                if (g[p * n + q] != 0)
                    rotate(g, v, n, p, q);
    }
}

/* The axis of an eigenvector of the inner products: the vectors weighted by it, of length 1. */
static void make_axis(const double *centred, const double *weight, int n, int size, double *axis)
{
    int largest = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < size; k++)
            axis[k] += weight[i] * centred[i * size + k];
    for (int k = 1; k < size; k++)
        if (fabs(axis[k]) > fabs(axis[largest]))
            largest = k;
    const double length = sqrt(dot(axis, axis, size)) * (axis[largest] < 0 ? -1 : 1);
    for (int k = 0; k < size; k++)
        axis[k] /= length;
}

/* centred (n, size); work arrays g and v (n, n each). */
static void find_axes(ami_pca *pca, const double *centred, int n, double *g, double *v)
{
    double all = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            g[i * n + j] = g[j * n + i] = dot(centred + i * pca->size, centred + j * pca->size, pca->size);
    for (int i = 0; i < n; i++)
        all += g[i * n + i];
    diagonalise(g, v, n);
    for (int a = 0; a < pca->axes && a < n; a++) {
        int best = 0;
        for (int i = 1; i < n; i++)
            if (g[i * n + i] > g[best * n + best])
                best = i;
        const double variance = g[best * n + best];
        if (!(variance > 1e-12 * all)) /* only rounding error: no more directions */
            return;
        pca->fraction[a] = variance / all;
        make_axis(centred, v + best * n, n, pca->size, pca->axis + a * pca->size);
        g[best * n + best] = -1;
    }
}

static bool check(const float *x, int n, int size, int axes, ami_error *err)
{
    if (n < 1 || n > AMI_PCA_VECTORS || size < 1 || axes < 1)
        return ami_fail(err, "principal components of %d vectors of %d numbers, expected 1 to %d vectors", n,
                        size, AMI_PCA_VECTORS);
    for (int i = 0; i < n * size; i++)
        if (!isfinite(x[i]))
            return ami_fail(err, "number %d of vector %d is not finite, so there are no principal components",
                            i % size, i / size);
    return true;
}

ami_pca *ami_pca_create(const float *x, int n, int size, int axes, ami_error *err)
{
    if (!check(x, n, size, axes, err))
        return NULL;
    const size_t d = (size_t)size, rows = (size_t)n;
    ami_pca *pca = calloc(1, sizeof *pca + (d + (size_t)axes * d + (size_t)axes) * sizeof(double));
    double *workspace = malloc((rows * d + 2 * rows * rows) * sizeof *workspace);
    if (pca && workspace) {
        double *const own = (double *)(pca + 1);
        *pca = (ami_pca){size, axes, own, own + d, own + d + (size_t)axes * d};
        for (int i = 0; i < n * size; i++)
            pca->mean[i % size] += (double)x[i] / n;
        for (int i = 0; i < n * size; i++)
            workspace[i] = (double)x[i] - pca->mean[i % size];
        find_axes(pca, workspace, n, workspace + rows * d, workspace + rows * d + rows * rows);
    } else {
        free(pca);
        pca = NULL;
        ami_fail(err, "out of memory for principal components of %d vectors", n);
    }
    free(workspace);
    return pca;
}

void ami_pca_destroy(ami_pca *pca)
{
    free(pca);
}

void ami_pca_project(const ami_pca *pca, const float *x, double *out)
{
    for (int a = 0; a < pca->axes; a++) {
        out[a] = 0;
        for (int k = 0; k < pca->size; k++)
            out[a] += pca->axis[a * pca->size + k] * ((double)x[k] - pca->mean[k]);
    }
}
