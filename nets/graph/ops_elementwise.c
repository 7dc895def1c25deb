/* Operators whose results depend on the numbers of one place alone: activations, arithmetic, comparisons,
 * Where, Cast, Clip. */
#include "nets/graph/ops.h"

#include "nets/graph/math.h"
#include "nets/kernels/vector.h"

#include <limits.h>
#include <math.h>

/* ---- one operand ---- */

#define EACH(expression)              \
    for (int64_t i = 0; i < n; i++) { \
        const float v = x[i];         \
        y[i] = (expression);          \
    }                                 \
    return

/* x and y may be the same. a, b: the operator's own numbers. */
AMI_VECTOR_CLONES static void unary_floats(int code, float a, float b, int64_t n, const float *x, float *y)
{
    switch (code) {
    case AMI_UNARY_RELU:
        EACH(v < 0.0f ? 0.0f : v);
    case AMI_UNARY_LEAKY:
        EACH(v < 0.0f ? a * v : v);
    case AMI_UNARY_ELU:
        EACH(v < 0.0f ? a * math_expm1_negative(v) : v);
    case AMI_UNARY_SELU:
        EACH(b * (v < 0.0f ? a * math_expm1_negative(v) : v));
    case AMI_UNARY_CELU:
        EACH(v < 0.0f ? a * math_expm1_negative(v / a) : v);
    case AMI_UNARY_GELU:
        EACH(0.5f * v * (1.0f + math_erf(v * 0.70710678f)));
    case AMI_UNARY_GELU_TANH:
        EACH(0.5f * v * (1.0f + math_tanh(0.79788456f * (v + 0.044715f * v * v * v))));
    case AMI_UNARY_SIGMOID:
        EACH(math_sigmoid(v));
    case AMI_UNARY_HARD_SIGMOID:
        EACH(fminf(1.0f, fmaxf(0.0f, a * v + b)));
    case AMI_UNARY_HARD_SWISH:
        EACH(v * fminf(1.0f, fmaxf(0.0f, v * (1.0f / 6) + 0.5f)));
    case AMI_UNARY_SWISH:
        EACH(v * math_sigmoid(a * v));
    case AMI_UNARY_MISH:
        EACH(v * math_tanh(math_softplus(v)));
    case AMI_UNARY_SOFTPLUS:
        EACH(math_softplus(v));
    case AMI_UNARY_SOFTSIGN:
        EACH(v / (1.0f + fabsf(v)));
    case AMI_UNARY_TANH:
        EACH(math_tanh(v));
    case AMI_UNARY_ERF:
        EACH(math_erf(v));
    case AMI_UNARY_AFFINE:
        EACH(a * v + b);
    case AMI_UNARY_THRESHOLDED:
        EACH(v > a ? v : 0.0f);
    case AMI_UNARY_SHRINK:
        EACH(v < -a ? v + b : v > a ? v - b : 0.0f);
    case AMI_UNARY_SQRT:
        EACH(sqrtf(v));
    case AMI_UNARY_EXP:
        EACH(math_exp(v));
    case AMI_UNARY_LOG:
        EACH(logf(v));
    case AMI_UNARY_ABS:
        EACH(fabsf(v));
    case AMI_UNARY_NEG:
        EACH(-v);
    case AMI_UNARY_RECIPROCAL:
        EACH(1.0f / v);
    case AMI_UNARY_SIN:
        EACH(sinf(v));
    case AMI_UNARY_COS:
        EACH(cosf(v));
    case AMI_UNARY_TAN:
        EACH(tanf(v));
    case AMI_UNARY_ASIN:
        EACH(asinf(v));
    case AMI_UNARY_ACOS:
        EACH(acosf(v));
    case AMI_UNARY_ATAN:
        EACH(atanf(v));
    case AMI_UNARY_SINH:
        EACH(sinhf(v));
    case AMI_UNARY_COSH:
        EACH(coshf(v));
    case AMI_UNARY_ASINH:
        EACH(asinhf(v));
    case AMI_UNARY_ACOSH:
        EACH(acoshf(v));
    case AMI_UNARY_ATANH:
        EACH(atanhf(v));
    case AMI_UNARY_FLOOR:
        EACH(floorf(v));
    case AMI_UNARY_CEIL:
        EACH(ceilf(v));
    case AMI_UNARY_ROUND:
        EACH(rintf(v));
    case AMI_UNARY_SIGN:
        EACH(v > 0.0f ? 1.0f : v < 0.0f ? -1.0f : v);
    default:
        EACH(v);
    }
}
#undef EACH

void ami_unary(int code, float a, float b, int64_t n, const float *x, float *y)
{
    unary_floats(code, a, b, n, x, y);
}

static void unary_ints(int code, int64_t n, const int64_t *x, int64_t *y)
{
    for (int64_t i = 0; i < n; i++)
        switch (code) {
        case AMI_UNARY_ABS:
            y[i] = x[i] < 0 ? (int64_t)(0 - (uint64_t)x[i]) : x[i];
            break;
        case AMI_UNARY_NEG:
            y[i] = (int64_t)(0 - (uint64_t)x[i]);
            break;
        case AMI_UNARY_RELU:
            y[i] = x[i] < 0 ? 0 : x[i];
            break;
        case AMI_UNARY_SIGN:
            y[i] = (x[i] > 0) - (x[i] < 0);
            break;
        default:
            y[i] = x[i];
        }
}

static bool takes_ints(int code)
{
    return code == AMI_UNARY_ABS || code == AMI_UNARY_NEG || code == AMI_UNARY_RELU || code == AMI_UNARY_SIGN;
}

static bool infer_unary(ami_call *c)
{
    ami_params *p = &c->step->p;
    const ami_store store = ami_store_of(c->in[0].type);
    char approximate[16] = "none";
    if (store != AMI_STORE_FLOAT && !(store == AMI_STORE_INT && takes_ints(c->step->op->code)))
        return ami_call_fail(c, "its input is %s, a float was expected", ami_onnx_type_name(c->in[0].type));
    p->n[0] = c->step->op->code;
    switch (c->step->op->code) {
    case AMI_UNARY_LEAKY:
        p->f[0] = ami_call_float(c, "alpha", 0.01f);
        break;
    case AMI_UNARY_ELU:
    case AMI_UNARY_CELU:
    case AMI_UNARY_THRESHOLDED:
    case AMI_UNARY_SWISH:
        p->f[0] = ami_call_float(c, "alpha", 1);
        break;
    case AMI_UNARY_SELU:
        p->f[0] = ami_call_float(c, "alpha", 1.67326319f);
        p->f[1] = ami_call_float(c, "gamma", 1.05070102f);
        break;
    case AMI_UNARY_HARD_SIGMOID:
        p->f[0] = ami_call_float(c, "alpha", 0.2f);
        p->f[1] = ami_call_float(c, "beta", 0.5f);
        break;
    case AMI_UNARY_SHRINK:
        p->f[0] = ami_call_float(c, "lambd", 0.5f);
        p->f[1] = ami_call_float(c, "bias", 0);
        break;
    case AMI_UNARY_GELU:
        if (!ami_call_text(c, "approximate", 0, approximate, sizeof approximate))
            break;
        if (!strcmp(approximate, "tanh"))
            p->n[0] = AMI_UNARY_GELU_TANH;
        else if (strcmp(approximate, "none") != 0)
            return ami_call_fail(c, "approximate is '%s', expected none or tanh", approximate);
        break;
    default:
        break;
    }
    ami_view_like(&c->out[0], &c->in[0]);
    return true;
}

static bool run_unary(const ami_call *c)
{
    const ami_params *p = &c->step->p;
    const int64_t n = ami_view_count(&c->in[0]);
    if (ami_store_of(c->in[0].type) == AMI_STORE_FLOAT)
        unary_floats((int)p->n[0], p->f[0], p->f[1], n, c->in[0].data, c->out[0].data);
    else
        unary_ints((int)p->n[0], n, c->in[0].data, c->out[0].data);
    return true;
}

static bool infer_not(ami_call *c)
{
    if (ami_store_of(c->in[0].type) != AMI_STORE_BOOL)
        return ami_call_fail(c, "its input is %s, bool was expected", ami_onnx_type_name(c->in[0].type));
    ami_view_like(&c->out[0], &c->in[0]);
    return true;
}

static bool run_not(const ami_call *c)
{
    const uint8_t *x = c->in[0].data;
    uint8_t *y = c->out[0].data;
    for (int64_t i = 0, n = ami_view_count(&c->in[0]); i < n; i++)
        y[i] = !x[i];
    return true;
}

static bool infer_is(ami_call *c)
{
    if (ami_store_of(c->in[0].type) != AMI_STORE_FLOAT)
        return ami_call_fail(c, "its input is %s, a float was expected", ami_onnx_type_name(c->in[0].type));
    c->step->p.n[0] = ami_call_int(c, "detect_negative", 1);
    c->step->p.n[1] = ami_call_int(c, "detect_positive", 1);
    ami_view_like(&c->out[0], &c->in[0]);
    c->out[0].type = AMI_ONNX_BOOL;
    return true;
}

static bool run_is(const ami_call *c)
{
    const ami_params *p = &c->step->p;
    const float *x = c->in[0].data;
    uint8_t *y = c->out[0].data;
    for (int64_t i = 0, n = ami_view_count(&c->in[0]); i < n; i++)
        y[i] = c->step->op->code == AMI_IS_NAN ? isnan(x[i]) != 0
                                               : isinf(x[i]) && (x[i] < 0 ? p->n[0] != 0 : p->n[1] != 0);
    return true;
}

/* ---- two operands ---- */

#define PAIRS(T, R, expression)                         \
    do {                                                \
        const T *const a_ = a, *const b_ = b;           \
        R *const y_ = y;                                \
        if (sa == 1 && sb == 1) {                       \
            for (int64_t i = 0; i < n; i++) {           \
                const T u = a_[i], v = b_[i];           \
                y_[i] = (R)(expression);                \
            }                                           \
        } else if (sa == 1 && sb == 0) {                \
            const T v = b_[0];                          \
            for (int64_t i = 0; i < n; i++) {           \
                const T u = a_[i];                      \
                y_[i] = (R)(expression);                \
            }                                           \
        } else if (sa == 0 && sb == 1) {                \
            const T u = a_[0];                          \
            for (int64_t i = 0; i < n; i++) {           \
                const T v = b_[i];                      \
                y_[i] = (R)(expression);                \
            }                                           \
        } else {                                        \
            for (int64_t i = 0; i < n; i++) {           \
                const T u = a_[i * sa], v = b_[i * sb]; \
                y_[i] = (R)(expression);                \
            }                                           \
        }                                               \
        return;                                         \
    } while (0)

static inline float float_mod(float u, float v)
{
    const float m = fmodf(u, v);
    return m != 0 && (m < 0) != (v < 0) ? m + v : m;
}

/* NumPy's: a NaN wins. */
static inline __attribute__((always_inline)) float float_min(float u, float v)
{
    return u < v || u != u ? u : v;
}
static inline __attribute__((always_inline)) float float_max(float u, float v)
{
    return u > v || u != u ? u : v;
}

AMI_VECTOR_CLONES static void pair_floats(int code, int64_t n, const void *a, int64_t sa, const void *b,
                                          int64_t sb, void *y)
{
    switch (code) {
    case AMI_PAIR_ADD:
        PAIRS(float, float, u + v);
    case AMI_PAIR_SUB:
        PAIRS(float, float, u - v);
    case AMI_PAIR_MUL:
        PAIRS(float, float, u *v);
    case AMI_PAIR_DIV:
        PAIRS(float, float, u / v);
    case AMI_PAIR_MIN:
        PAIRS(float, float, float_min(u, v));
    case AMI_PAIR_MAX:
        PAIRS(float, float, float_max(u, v));
    case AMI_PAIR_POW:
        if (sb == 0 && *(const float *)b == 2.0f)
            PAIRS(float, float, ((void)v, u * u));
        PAIRS(float, float, powf(u, v));
    case AMI_PAIR_MOD:
        PAIRS(float, float, float_mod(u, v));
    case AMI_PAIR_FMOD:
        PAIRS(float, float, fmodf(u, v));
    case AMI_PAIR_PRELU:
        PAIRS(float, float, u < 0.0f ? v * u : u);
    case AMI_PAIR_EQUAL:
        PAIRS(float, uint8_t, u == v);
    case AMI_PAIR_LESS:
        PAIRS(float, uint8_t, u < v);
    case AMI_PAIR_LESS_EQUAL:
        PAIRS(float, uint8_t, u <= v);
    case AMI_PAIR_GREATER:
        PAIRS(float, uint8_t, u > v);
    case AMI_PAIR_GREATER_EQUAL:
        PAIRS(float, uint8_t, u >= v);
    default:
        PAIRS(float, float, ((void)v, u));
    }
}

/* Wraps around, never traps. */
static int64_t int_add(int64_t u, int64_t v)
{
    return (int64_t)((uint64_t)u + (uint64_t)v);
}
static int64_t int_sub(int64_t u, int64_t v)
{
    return (int64_t)((uint64_t)u - (uint64_t)v);
}
static int64_t int_mul(int64_t u, int64_t v)
{
    return (int64_t)((uint64_t)u * (uint64_t)v);
}
static int64_t int_div(int64_t u, int64_t v)
{
    return v == 0 ? 0 : v == -1 ? int_sub(0, u) : u / v;
}
static int64_t int_fmod(int64_t u, int64_t v)
{
    return v == 0 || v == -1 ? 0 : u % v;
}
static int64_t int_mod(int64_t u, int64_t v)
{
    const int64_t m = int_fmod(u, v);
    return m != 0 && (m < 0) != (v < 0) ? m + v : m;
}
static int64_t int_pow(int64_t u, int64_t v)
{
    int64_t power = 1;
    if (v < 0)
        return u == 1 ? 1 : u == -1 ? (v % 2 ? -1 : 1) : 0;
    for (; v > 0; v >>= 1, u = int_mul(u, u))
        if (v & 1)
            power = int_mul(power, u);
    return power;
}

static void pair_ints(int code, int64_t n, const void *a, int64_t sa, const void *b, int64_t sb, void *y)
{
    switch (code) {
    case AMI_PAIR_ADD:
        PAIRS(int64_t, int64_t, int_add(u, v));
    case AMI_PAIR_SUB:
        PAIRS(int64_t, int64_t, int_sub(u, v));
    case AMI_PAIR_MUL:
        PAIRS(int64_t, int64_t, int_mul(u, v));
    case AMI_PAIR_DIV:
        PAIRS(int64_t, int64_t, int_div(u, v));
    case AMI_PAIR_MIN:
        PAIRS(int64_t, int64_t, u < v ? u : v);
    case AMI_PAIR_MAX:
        PAIRS(int64_t, int64_t, u > v ? u : v);
    case AMI_PAIR_POW:
        PAIRS(int64_t, int64_t, int_pow(u, v));
    case AMI_PAIR_MOD:
        PAIRS(int64_t, int64_t, int_mod(u, v));
    case AMI_PAIR_FMOD:
        PAIRS(int64_t, int64_t, int_fmod(u, v));
    case AMI_PAIR_PRELU:
        PAIRS(int64_t, int64_t, u < 0 ? int_mul(u, v) : u);
    case AMI_PAIR_EQUAL:
        PAIRS(int64_t, uint8_t, u == v);
    case AMI_PAIR_LESS:
        PAIRS(int64_t, uint8_t, u < v);
    case AMI_PAIR_LESS_EQUAL:
        PAIRS(int64_t, uint8_t, u <= v);
    case AMI_PAIR_GREATER:
        PAIRS(int64_t, uint8_t, u > v);
    case AMI_PAIR_GREATER_EQUAL:
        PAIRS(int64_t, uint8_t, u >= v);
    default:
        PAIRS(int64_t, int64_t, ((void)v, u));
    }
}

static void pair_bools(int code, int64_t n, const void *a, int64_t sa, const void *b, int64_t sb, void *y)
{
    switch (code) {
    case AMI_PAIR_AND:
        PAIRS(uint8_t, uint8_t, u & v);
    case AMI_PAIR_OR:
        PAIRS(uint8_t, uint8_t, u | v);
    case AMI_PAIR_XOR:
        PAIRS(uint8_t, uint8_t, u ^ v);
    default:
        PAIRS(uint8_t, uint8_t, u == v);
    }
}
#undef PAIRS

static void run_pairs(ami_store store, int code, const ami_view *a, const ami_view *b, const ami_view *y)
{
    const ami_view *const operand[2] = {a, b};
    const size_t in = ami_store_size(store), out = ami_store_size(ami_store_of(y->type));
    ami_loop loop;
    int64_t index[AMI_GRAPH_RANK] = {0}, at[3] = {0};
    if (ami_view_count(y) == 0)
        return;
    ami_loop_make(&loop, y, operand, 2);
    const int last = loop.rank - 1;
    do {
        const char *const u = (const char *)a->data + (size_t)at[0] * in, *const v = (const char *)b->data +
                                                                                     (size_t)at[1] * in;
        char *const w = (char *)y->data + (size_t)at[2] * out;
        if (store == AMI_STORE_FLOAT)
            pair_floats(code, loop.dim[last], u, loop.stride[0][last], v, loop.stride[1][last], w);
        else if (store == AMI_STORE_INT)
            pair_ints(code, loop.dim[last], u, loop.stride[0][last], v, loop.stride[1][last], w);
        else
            pair_bools(code, loop.dim[last], u, loop.stride[0][last], v, loop.stride[1][last], w);
    } while (ami_loop_next(&loop, 2, index, at));
}

static bool is_comparison(int code)
{
    return code >= AMI_PAIR_EQUAL && code <= AMI_PAIR_GREATER_EQUAL;
}

static bool infer_pair(ami_call *c)
{
    const int code = c->step->op->code;
    const ami_store a = ami_store_of(c->in[0].type), b = ami_store_of(c->in[1].type);
    const bool logical = code >= AMI_PAIR_AND && code <= AMI_PAIR_XOR;
    if (a != b)
        return ami_call_fail(c, "its inputs are %s and %s, the same type was expected",
                             ami_onnx_type_name(c->in[0].type), ami_onnx_type_name(c->in[1].type));
    if (logical != (a == AMI_STORE_BOOL) && !(code == AMI_PAIR_EQUAL && a == AMI_STORE_BOOL))
        return ami_call_fail(c, "its inputs are %s, %s was expected", ami_onnx_type_name(c->in[0].type),
                             logical ? "bool" : "a number");
    c->step->p.n[0] = code == AMI_PAIR_MOD && ami_call_int(c, "fmod", 0) ? AMI_PAIR_FMOD : code;
    if (!ami_call_broadcast(c, &c->out[0], &c->in[0], &c->in[1]))
        return false;
    c->out[0].type = is_comparison(code) ? AMI_ONNX_BOOL : c->in[0].type;
    return true;
}

static bool run_pair(const ami_call *c)
{
    run_pairs(ami_store_of(c->in[0].type), (int)c->step->p.n[0], &c->in[0], &c->in[1], &c->out[0]);
    return true;
}

/* Pow's exponent may be of another type. */
static bool infer_pow(ami_call *c)
{
    const ami_store a = ami_store_of(c->in[0].type), b = ami_store_of(c->in[1].type);
    if (a == AMI_STORE_BOOL || b == AMI_STORE_BOOL)
        return ami_call_fail(c, "its inputs are %s and %s, numbers were expected",
                             ami_onnx_type_name(c->in[0].type), ami_onnx_type_name(c->in[1].type));
    if (!ami_call_broadcast(c, &c->out[0], &c->in[0], &c->in[1]))
        return false;
    c->out[0].type = c->in[0].type;
    return true;
}

static bool run_pow(const ami_call *c)
{
    const ami_store a = ami_store_of(c->in[0].type), b = ami_store_of(c->in[1].type);
    if (a == b) {
        run_pairs(a, AMI_PAIR_POW, &c->in[0], &c->in[1], &c->out[0]);
        return true;
    }
    const ami_view *const operand[2] = {&c->in[0], &c->in[1]};
    ami_loop loop;
    int64_t index[AMI_GRAPH_RANK] = {0}, at[3] = {0};
    if (ami_view_count(&c->out[0]) == 0)
        return true;
    ami_loop_make(&loop, &c->out[0], operand, 2);
    const int last = loop.rank - 1;
    do {
        for (int64_t i = 0; i < loop.dim[last]; i++) {
            const int64_t u = at[0] + i * loop.stride[0][last], v = at[1] + i * loop.stride[1][last];
            const double base = a == AMI_STORE_FLOAT ? (double)((const float *)c->in[0].data)[u]
                                                     : (double)((const int64_t *)c->in[0].data)[u];
            const double power = b == AMI_STORE_FLOAT ? (double)((const float *)c->in[1].data)[v]
                                                      : (double)((const int64_t *)c->in[1].data)[v];
            if (a == AMI_STORE_FLOAT)
                ((float *)c->out[0].data)[at[2] + i] = ami_to_float(pow(base, power));
            else
                ((int64_t *)c->out[0].data)[at[2] + i] = ami_to_int(pow(base, power));
        }
    } while (ami_loop_next(&loop, 2, index, at));
    return true;
}

/* PRelu's slope broadcasts to its input alone. */
static bool infer_prelu(ami_call *c)
{
    if (!infer_pair(c))
        return false;
    bool same = c->out[0].rank == c->in[0].rank;
    for (int i = 0; same && i < c->out[0].rank; i++)
        same = c->out[0].dim[i] == c->in[0].dim[i];
    return same || ami_call_fail(c, "its slope has more dimensions than its input");
}

/* ---- any number of operands ---- */

static bool infer_many(ami_call *c)
{
    ami_view_like(&c->out[0], &c->in[0]);
    for (int i = 0; i < c->ins; i++) {
        if (!ami_call_given(c, i) || ami_store_of(c->in[i].type) != ami_store_of(c->in[0].type) ||
            ami_store_of(c->in[i].type) == AMI_STORE_BOOL)
            return ami_call_fail(c, "its input number %d is %s, %s was expected", i,
                                 ami_onnx_type_name(c->in[i].type), ami_onnx_type_name(c->in[0].type));
        const ami_view so_far = c->out[0];
        if (!ami_call_broadcast(c, &c->out[0], &so_far, &c->in[i]))
            return false;
    }
    c->out[0].type = c->in[0].type;
    return true;
}

static bool run_many(const ami_call *c)
{
    const int code = c->step->op->code == AMI_MANY_MEAN ? AMI_PAIR_ADD : c->step->op->code;
    const ami_store store = ami_store_of(c->in[0].type);
    run_pairs(store, c->ins > 1 ? code : AMI_PAIR_FIRST, &c->in[0], &c->in[c->ins > 1], &c->out[0]);
    for (int i = 2; i < c->ins; i++)
        run_pairs(store, code, &c->out[0], &c->in[i], &c->out[0]);
    if (c->step->op->code == AMI_MANY_MEAN) {
        float *y = c->out[0].data;
        for (int64_t i = 0, n = ami_view_count(&c->out[0]); store == AMI_STORE_FLOAT && i < n; i++)
            y[i] /= (float)c->ins;
    }
    return true;
}

/* ---- Where ---- */

static bool infer_where(ami_call *c)
{
    ami_view both = {0};
    if (ami_store_of(c->in[0].type) != AMI_STORE_BOOL)
        return ami_call_fail(c, "its condition is %s, bool was expected", ami_onnx_type_name(c->in[0].type));
    if (ami_store_of(c->in[1].type) != ami_store_of(c->in[2].type))
        return ami_call_fail(c, "its choices are %s and %s, the same type was expected",
                             ami_onnx_type_name(c->in[1].type), ami_onnx_type_name(c->in[2].type));
    if (!ami_call_broadcast(c, &both, &c->in[0], &c->in[1]) ||
        !ami_call_broadcast(c, &c->out[0], &both, &c->in[2]))
        return false;
    c->out[0].type = c->in[1].type;
    return true;
}

#define CHOOSE(T)                                                                         \
    for (int64_t i = 0; i < loop.dim[last]; i++)                                          \
    ((T *)c->out[0].data)[at[3] + i] = condition[at[0] + i * s[0]]                        \
                                           ? ((const T *)c->in[1].data)[at[1] + i * s[1]] \
                                           : ((const T *)c->in[2].data)[at[2] + i * s[2]]

static bool run_where(const ami_call *c)
{
    const ami_view *const operand[3] = {&c->in[0], &c->in[1], &c->in[2]};
    const uint8_t *condition = c->in[0].data;
    const ami_store store = ami_store_of(c->out[0].type);
    ami_loop loop;
    int64_t index[AMI_GRAPH_RANK] = {0}, at[4] = {0};
    if (ami_view_count(&c->out[0]) == 0)
        return true;
    ami_loop_make(&loop, &c->out[0], operand, 3);
    const int last = loop.rank - 1;
    const int64_t s[3] = {loop.stride[0][last], loop.stride[1][last], loop.stride[2][last]};
    do {
        if (store == AMI_STORE_FLOAT)
            CHOOSE(float);
        else if (store == AMI_STORE_INT)
            CHOOSE(int64_t);
        else
            CHOOSE(uint8_t);
    } while (ami_loop_next(&loop, 3, index, at));
    return true;
}
#undef CHOOSE

/* ---- Clip ---- */

static bool infer_clip(ami_call *c)
{
    const ami_store store = ami_store_of(c->in[0].type);
    ami_params *p = &c->step->p;
    if (store == AMI_STORE_BOOL)
        return ami_call_fail(c, "its input is bool, a number was expected");
    for (int k = 1; k <= 2; k++) {
        if (ami_call_given(c, k) && (ami_store_of(c->in[k].type) != store || ami_view_count(&c->in[k]) != 1))
            return ami_call_fail(c, "its bound number %d is no single %s", k,
                                 ami_onnx_type_name(c->in[0].type));
    }
    p->f[0] = ami_call_opset(c) < 11 ? ami_call_float(c, "min", -INFINITY) : -INFINITY;
    p->f[1] = ami_call_opset(c) < 11 ? ami_call_float(c, "max", INFINITY) : INFINITY;
    ami_view_like(&c->out[0], &c->in[0]);
    return true;
}

AMI_VECTOR_CLONES static void clip_floats(float lo, float hi, int64_t n, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) { /* a NaN passes */
        float v = x[i];
        v = v < lo ? lo : v;
        y[i] = v > hi ? hi : v;
    }
}

static bool run_clip(const ami_call *c)
{
    const int64_t n = ami_view_count(&c->in[0]);
    const bool has_lo = ami_call_given(c, 1), has_hi = ami_call_given(c, 2);
    if (ami_store_of(c->in[0].type) == AMI_STORE_FLOAT) {
        const float lo = has_lo ? *(const float *)c->in[1].data : c->step->p.f[0];
        const float hi = has_hi ? *(const float *)c->in[2].data : c->step->p.f[1];
        clip_floats(lo, hi, n, c->in[0].data, c->out[0].data);
        return true;
    }
    const int64_t lo = has_lo ? *(const int64_t *)c->in[1].data : INT64_MIN;
    const int64_t hi = has_hi ? *(const int64_t *)c->in[2].data : INT64_MAX;
    const int64_t *x = c->in[0].data;
    int64_t *y = c->out[0].data;
    for (int64_t i = 0; i < n; i++) {
        const int64_t v = x[i] < lo ? lo : x[i];
        y[i] = v > hi ? hi : v;
    }
    return true;
}

/* ---- Cast ---- */

static bool infer_cast(ami_call *c)
{
    const int64_t to = c->step->op->code == AMI_CAST_LIKE ? c->in[1].type : ami_call_int(c, "to", 0);
    if (to < 0 || to > INT_MAX || ami_store_of((int)to) == AMI_STORE_NONE)
        return ami_call_fail(c, "a cast to %s is not supported", ami_onnx_type_name((int)to));
    ami_view_like(&c->out[0], &c->in[0]);
    c->out[0].type = (int)to;
    return true;
}

/* An integer as its type holds it. */
static int64_t wrapped(int type, int64_t v)
{
    switch (type) {
    case AMI_ONNX_INT8:
        return (int8_t)v;
    case AMI_ONNX_UINT8:
        return (uint8_t)v;
    case AMI_ONNX_INT16:
        return (int16_t)v;
    case AMI_ONNX_UINT16:
        return (uint16_t)v;
    case AMI_ONNX_INT32:
        return (int32_t)v;
    case AMI_ONNX_UINT32:
        return (uint32_t)v;
    default:
        return v;
    }
}

static bool run_cast(const ami_call *c)
{
    const ami_view *x = &c->in[0], *y = &c->out[0];
    const ami_store from = ami_store_of(x->type), to = ami_store_of(y->type);
    for (int64_t i = 0, n = ami_view_count(x); i < n; i++) {
        const float f = from == AMI_STORE_FLOAT ? ((const float *)x->data)[i] : 0;
        const int64_t k = from == AMI_STORE_INT    ? ((const int64_t *)x->data)[i]
                          : from == AMI_STORE_BOOL ? ((const uint8_t *)x->data)[i] != 0
                                                   : 0;
        if (to == AMI_STORE_FLOAT)
            ((float *)y->data)[i] = from == AMI_STORE_FLOAT ? f : (float)k;
        else if (to == AMI_STORE_INT)
            ((int64_t *)y->data)[i] = wrapped(y->type, from == AMI_STORE_FLOAT ? ami_to_int((double)f) : k);
        else
            ((uint8_t *)y->data)[i] = from == AMI_STORE_FLOAT ? f != 0 : k != 0;
    }
    return true;
}

/* ---- the table ---- */

#define UNARY(name, code)                                                                 \
    {                                                                                     \
        name, 1, 1, 1, 0, 0, AMI_OP_ELEMENTWISE, infer_unary, run_unary, code, NULL, NULL \
    }
#define PAIR(name, code)                                                                \
    {                                                                                   \
        name, 2, 2, 1, 0, 0, AMI_OP_ELEMENTWISE, infer_pair, run_pair, code, NULL, NULL \
    }
#define MANY(name, code)                                                                                  \
    {                                                                                                     \
        name, 1, AMI_GRAPH_ARGUMENTS, 1, 0, 0, AMI_OP_ELEMENTWISE, infer_many, run_many, code, NULL, NULL \
    }
const ami_op ami_ops_elementwise[] = {
    UNARY("Relu", AMI_UNARY_RELU),
    UNARY("LeakyRelu", AMI_UNARY_LEAKY),
    UNARY("Elu", AMI_UNARY_ELU),
    UNARY("Selu", AMI_UNARY_SELU),
    UNARY("Celu", AMI_UNARY_CELU),
    UNARY("Gelu", AMI_UNARY_GELU),
    UNARY("Sigmoid", AMI_UNARY_SIGMOID),
    UNARY("HardSigmoid", AMI_UNARY_HARD_SIGMOID),
    UNARY("HardSwish", AMI_UNARY_HARD_SWISH),
    UNARY("Swish", AMI_UNARY_SWISH),
    UNARY("Mish", AMI_UNARY_MISH),
    UNARY("Softplus", AMI_UNARY_SOFTPLUS),
    UNARY("Softsign", AMI_UNARY_SOFTSIGN),
    UNARY("Tanh", AMI_UNARY_TANH),
    UNARY("Erf", AMI_UNARY_ERF),
    UNARY("ThresholdedRelu", AMI_UNARY_THRESHOLDED),
    UNARY("Shrink", AMI_UNARY_SHRINK),
    UNARY("Sqrt", AMI_UNARY_SQRT),
    UNARY("Exp", AMI_UNARY_EXP),
    UNARY("Log", AMI_UNARY_LOG),
    UNARY("Abs", AMI_UNARY_ABS),
    UNARY("Neg", AMI_UNARY_NEG),
    UNARY("Reciprocal", AMI_UNARY_RECIPROCAL),
    UNARY("Sin", AMI_UNARY_SIN),
    UNARY("Cos", AMI_UNARY_COS),
    UNARY("Tan", AMI_UNARY_TAN),
    UNARY("Asin", AMI_UNARY_ASIN),
    UNARY("Acos", AMI_UNARY_ACOS),
    UNARY("Atan", AMI_UNARY_ATAN),
    UNARY("Sinh", AMI_UNARY_SINH),
    UNARY("Cosh", AMI_UNARY_COSH),
    UNARY("Asinh", AMI_UNARY_ASINH),
    UNARY("Acosh", AMI_UNARY_ACOSH),
    UNARY("Atanh", AMI_UNARY_ATANH),
    UNARY("Floor", AMI_UNARY_FLOOR),
    UNARY("Ceil", AMI_UNARY_CEIL),
    UNARY("Round", AMI_UNARY_ROUND),
    UNARY("Sign", AMI_UNARY_SIGN),
    {"Not", 1, 1, 1, 0, 0, AMI_OP_ELEMENTWISE, infer_not, run_not, 0, NULL, NULL},
    {"IsNaN", 1, 1, 1, 0, 0, AMI_OP_ELEMENTWISE, infer_is, run_is, AMI_IS_NAN, NULL, NULL},
    {"IsInf", 1, 1, 1, 0, 0, AMI_OP_ELEMENTWISE, infer_is, run_is, AMI_IS_INF, NULL, NULL},
    PAIR("Add", AMI_PAIR_ADD),
    PAIR("Sub", AMI_PAIR_SUB),
    PAIR("Mul", AMI_PAIR_MUL),
    PAIR("Div", AMI_PAIR_DIV),
    PAIR("Mod", AMI_PAIR_MOD),
    PAIR("Equal", AMI_PAIR_EQUAL),
    PAIR("Less", AMI_PAIR_LESS),
    PAIR("LessOrEqual", AMI_PAIR_LESS_EQUAL),
    PAIR("Greater", AMI_PAIR_GREATER),
    PAIR("GreaterOrEqual", AMI_PAIR_GREATER_EQUAL),
    PAIR("And", AMI_PAIR_AND),
    PAIR("Or", AMI_PAIR_OR),
    PAIR("Xor", AMI_PAIR_XOR),
    {"PRelu", 2, 2, 1, 0, 0, AMI_OP_ELEMENTWISE, infer_prelu, run_pair, AMI_PAIR_PRELU, NULL, NULL},
    {"Pow", 2, 2, 1, 0, 0, AMI_OP_ELEMENTWISE, infer_pow, run_pow, AMI_PAIR_POW, NULL, NULL},
    MANY("Min", AMI_PAIR_MIN),
    MANY("Max", AMI_PAIR_MAX),
    MANY("Sum", AMI_PAIR_ADD),
    MANY("Mean", AMI_MANY_MEAN),
    {"Where", 3, 3, 1, 0, 0, AMI_OP_ELEMENTWISE, infer_where, run_where, 0, NULL, NULL},
    {"Clip", 1, 3, 1, 0, 0, AMI_OP_ELEMENTWISE, infer_clip, run_clip, 0, NULL, NULL},
    {"Cast", 1, 1, 1, 0, 0, AMI_OP_ELEMENTWISE | AMI_OP_ALIAS, infer_cast, run_cast, 0, NULL, NULL},
    {"CastLike", 2, 2, 1, 0, 0, AMI_OP_ELEMENTWISE | AMI_OP_ALIAS, infer_cast, run_cast, AMI_CAST_LIKE, NULL,
     NULL},
};
const int ami_ops_elementwise_count = sizeof ami_ops_elementwise / sizeof *ami_ops_elementwise;
