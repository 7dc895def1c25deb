/* Adam in one fused pass. Work is cut into chunks of a fixed length, the gradient's norm is the chunks'
 * double-precision sums added in order, so threads change nothing. It refuses to step on a gradient that is
 * not finite. */
#include "nets/adam.h"

#include "nets/kernels/vector.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 4096, LANES = 16 };

bool ami_adam_init(ami_adam *adam, size_t size, ami_error *err)
{
    *adam = (ami_adam){.size = size, .beta1 = .9f, .beta2 = .999f, .epsilon = 1e-8f};
    adam->m = calloc(size + 1, sizeof(float));
    adam->v = calloc(size + 1, sizeof(float));
    adam->partial = calloc(size / CHUNK + 1, sizeof(double));
    if (!adam->m || !adam->v || !adam->partial) {
        ami_adam_free(adam);
        return ami_fail(err, "out of memory for Adam's moments of %zu parameters", size);
    }
    return true;
}

void ami_adam_free(ami_adam *adam)
{
    free(adam->m);
    free(adam->v);
    free(adam->partial);
    *adam = (ami_adam){0};
}

AMI_VECTOR_CLONES static double sum_of_squares(const float *g, size_t n)
{
    double lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            const double x = (double)g[i + j];
            lane[j] += x * x;
        }
    }
    double sum = 0;
    for (size_t j = 0; j < LANES; j++)
        sum += lane[j];
    for (; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    return sum;
}

AMI_VECTOR_CLONES static void update_chunk(float *restrict parameter, const float *restrict gradient,
                                           float *restrict m, float *restrict v, size_t n,
                                           const ami_adam_factors *factors)
{
    const ami_adam_factors f = *factors;
    for (size_t i = 0; i < n; i++) {
        const float g = gradient[i] * f.scale;
        m[i] = f.beta1 * m[i] + f.gain1 * g;
        v[i] = f.beta2 * v[i] + f.gain2 * g * g;
        parameter[i] -= f.rate * m[i] / (sqrtf(v[i]) * f.root + f.epsilon);
    }
}

size_t ami_adam_pieces(const ami_adam *adam)
{
    return (adam->size + CHUNK - 1) / CHUNK;
}

size_t ami_adam_piece(const ami_adam *adam, size_t piece, size_t *first)
{
    *first = piece * CHUNK;
    return adam->size - *first < CHUNK ? adam->size - *first : CHUNK;
}

void ami_adam_square(ami_adam *adam, const float *gradient, size_t piece)
{
    size_t first;
    const size_t n = ami_adam_piece(adam, piece, &first);
    adam->partial[piece] = sum_of_squares(gradient + first, n);
}

ami_adam_factors ami_adam_plan(const ami_adam *adam, float lr, float max_norm)
{
    const double t = (double)(adam->step + 1), beta1 = (double)adam->beta1, beta2 = (double)adam->beta2;
    double sum = 0;
    for (size_t piece = 0; piece < ami_adam_pieces(adam); piece++)
        sum += adam->partial[piece];
    const float norm = (float)sqrt(sum);
    return (ami_adam_factors){
        .norm = norm,
        .scale = max_norm > 0 && norm > max_norm ? max_norm / norm : 1,
        .beta1 = adam->beta1,
        .beta2 = adam->beta2,
        .gain1 = (float)(1 - beta1),
        .gain2 = (float)(1 - beta2),
        .rate = (float)((double)lr / (1 - pow(beta1, t))),
        .root = (float)(1 / sqrt(1 - pow(beta2, t))),
        .epsilon = adam->epsilon,
    };
}

void ami_adam_apply(ami_adam *adam, float *parameters, const float *gradient, const ami_adam_factors *factors,
                    size_t piece)
{
    size_t first;
    const size_t n = ami_adam_piece(adam, piece, &first);
    if (isfinite(factors->norm))
        update_chunk(parameters + first, gradient + first, adam->m + first, adam->v + first, n, factors);
}

void ami_adam_finish(ami_adam *adam, const ami_adam_factors *factors)
{
    adam->step += isfinite(factors->norm);
}

float ami_adam_update(ami_adam *adam, float *parameters, const float *gradient, float lr, float max_norm)
{
#pragma omp for schedule(dynamic, 8)
    for (size_t piece = 0; piece < ami_adam_pieces(adam); piece++)
        ami_adam_square(adam, gradient, piece);
    const ami_adam_factors factors = ami_adam_plan(adam, lr, max_norm);
#pragma omp for schedule(dynamic, 8)
    for (size_t piece = 0; piece < ami_adam_pieces(adam); piece++)
        ami_adam_apply(adam, parameters, gradient, &factors, piece);
#pragma omp single nowait /* the count is read again behind the next update's first barrier */
    ami_adam_finish(adam, &factors);
    return factors.norm;
}
