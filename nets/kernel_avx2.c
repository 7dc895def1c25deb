/* The AVX2 + FMA kernel; the only file compiled for AVX2 and FMA. kernels.c asks the CPU before calling into it.
 *
 * A panel is two vectors, 16 outputs. What is kept in registers is a block of sums: PANELS panels × ROWS rows × VECTORS vectors.
 *   one row       four panels side by side: 8 independent chains of FMAs cover their latency while the weights stream from cache
 *   a few rows    fewer panels, more rows
 *   4 to 6 rows   one panel: each weight is loaded once for all rows; 12 sums, 2 weights and 1 input fill 15 of the 16 registers
 * More rows are cut into blocks of at most 6, as even as can be. */
#include "nets/kernels.h"

#include <immintrin.h>

enum { LANES = AMB_LANES_avx2, MAX_ROWS = 6, MAX_PANELS = 4 };
_Static_assert((int)AMB_PANEL_avx2 == 2 * (int)LANES, "panel width");

/* One call's work: a block of rows, starting at a panel. */
typedef struct block {
    const float *weight; /* the first panel */
    const float *bias;
    const float *x;
    float *y;
    size_t x_stride, y_stride;
    size_t inputs;
    int last; /* how many outputs of the last vector are real */
    bool relu;
} block;

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Stores sum to y; of the block's last vector only the outputs that are real. */
ALWAYS_INLINE void store(const block *b, float *y, __m256 least, __m256 sum, bool last)
{
    const __m256 out = _mm256_max_ps(least, sum);
    if (last && b->last < LANES)
        _mm256_maskstore_ps(y, _mm256_cmpgt_epi32(_mm256_set1_epi32(b->last), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)), out);
    else
        _mm256_storeu_ps(y, out);
}

/* Written out for the one or two vectors of a panel: of loops over them clang makes calls to memcpy, and the sums stay in memory. */
ALWAYS_INLINE void multiply(const block *b, const int panels, const int rows, const int vectors)
{
    const size_t width = (size_t)vectors * LANES, panel_size = b->inputs * width;
    const bool two = vectors == 2;
    __m256 sum[MAX_PANELS][MAX_ROWS][2];
    AMB_UNROLL
    for (int p = 0; p < panels; p++) {
        AMB_UNROLL
        for (int r = 0; r < rows; r++) {
            sum[p][r][0] = _mm256_load_ps(b->bias + (size_t)p * width);
            if (two)
                sum[p][r][1] = _mm256_load_ps(b->bias + (size_t)p * width + LANES);
        }
    }

    const float *w = b->weight, *x = b->x;
    const size_t stride = b->x_stride;
    for (size_t k = 0; k < b->inputs; k++) {
        AMB_UNROLL
        for (int p = 0; p < panels; p++) {
            const float *weight = w + (size_t)p * panel_size;
            const __m256 w0 = _mm256_load_ps(weight);
            const __m256 w1 = two ? _mm256_load_ps(weight + LANES) : _mm256_setzero_ps();
            AMB_UNROLL
            for (int r = 0; r < rows; r++) {
                const __m256 in = _mm256_broadcast_ss(x + (size_t)r * stride);
                sum[p][r][0] = _mm256_fmadd_ps(w0, in, sum[p][r][0]);
                if (two)
                    sum[p][r][1] = _mm256_fmadd_ps(w1, in, sum[p][r][1]);
            }
        }
        w += width;
        x++;
    }

    /* max(least, sum) gives its second operand when one is NaN or both are zeros: NaN stays NaN, -0 stays -0. */
    const __m256 least = b->relu ? _mm256_setzero_ps() : _mm256_set1_ps(-__builtin_inff());
    AMB_UNROLL
    for (int p = 0; p < panels; p++) {
        AMB_UNROLL
        for (int r = 0; r < rows; r++) {
            float *y = b->y + (size_t)r * b->y_stride + (size_t)p * width;
            store(b, y, least, sum[p][r][0], !two && p + 1 == panels);
            if (two)
                store(b, y + LANES, least, sum[p][r][1], p + 1 == panels);
        }
    }
}

#define BLOCK(panels, rows)                             \
    static void block_##panels##_##rows(const block *b) \
    {                                                   \
        multiply(b, panels, rows, 2);                   \
    }
#define HALF(rows)                          \
    static void half_##rows(const block *b) \
    {                                       \
        multiply(b, 1, rows, 1);            \
    }
#define ALL_ROWS(F) F(1) F(2) F(3) F(4) F(5) F(6)
#define ONE_PANEL(rows) BLOCK(1, rows)
ALL_ROWS(HALF)
ALL_ROWS(ONE_PANEL)
BLOCK(4, 1)
BLOCK(2, 2)
BLOCK(2, 3)

typedef void block_function(const block *b);

/* Indexed by rows - 1. */
#define NAME_HALF(rows) half_##rows,
#define NAME_ONE(rows) block_1_##rows,
static block_function *const half[MAX_ROWS] = {ALL_ROWS(NAME_HALF)};
static block_function *const one[MAX_ROWS] = {ALL_ROWS(NAME_ONE)};
static const struct {
    int panels;
    block_function *function;
} several[] = {{4, block_4_1}, {2, block_2_2}, {2, block_2_3}};
enum { SEVERAL = sizeof several / sizeof several[0] };

void amb_layer_avx2(const amb_layer *layer, const float *x, size_t x_stride, int n, float *y, size_t y_stride)
{
    const int blocks = (n + MAX_ROWS - 1) / MAX_ROWS;
    const int outputs = layer->outputs;
    const int padded = (outputs + LANES - 1) / LANES * LANES;

    for (int first = 0; first < padded;) {
        const int whole = (padded - first) / AMB_PANEL_avx2; /* panels left of full width */
        int panels = 1;
        if (n <= SEVERAL && whole >= several[n - 1].panels)
            panels = several[n - 1].panels;
        const int width = whole ? panels * AMB_PANEL_avx2 : LANES;

        block b = {.weight = layer->weight + (size_t)first * (size_t)layer->inputs,
                   .bias = layer->bias + first,
                   .x_stride = x_stride,
                   .y_stride = y_stride,
                   .inputs = (size_t)layer->inputs,
                   .last = first + width == padded ? LANES - (padded - outputs) : LANES,
                   .relu = layer->act == AMB_ACT_RELU};
        for (int i = 0, row = 0; i < blocks; i++) {
            const int rows = n / blocks + (i < n % blocks);
            b.x = x + (size_t)row * x_stride;
            b.y = y + (size_t)row * y_stride + first;
            if (!whole)
                half[rows - 1](&b);
            else if (panels > 1)
                several[n - 1].function(&b);
            else
                one[rows - 1](&b);
            row += rows;
        }
        first += width;
    }
}
