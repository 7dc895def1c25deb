/* Loops over operands that broadcast to one shape, with as few dimensions as that takes. */
#include "nets/graph/internal.h"

/* Strides of a view that broadcasts to `out`, aligned at the last dimension; 0 where it is repeated. */
static void strides(const ami_view *out, const ami_view *v, int64_t stride[AMI_GRAPH_RANK])
{
    int64_t step = 1;
    for (int i = 1; i <= out->rank; i++) {
        const int64_t dim = i <= v->rank ? v->dim[v->rank - i] : 1;
        stride[out->rank - i] = dim == 1 ? 0 : step;
        step *= dim;
    }
}

void ami_loop_make(ami_loop *loop, const ami_view *out, const ami_view *const *operand, int operands)
{
    int64_t stride[4][AMI_GRAPH_RANK];
    for (int k = 0; k < operands; k++)
        strides(out, operand[k], stride[k]);
    strides(out, out, stride[operands]);
    loop->rank = 0;
    for (int i = 0; i < out->rank; i++) {
        const int64_t dim = out->dim[i];
        const int last = loop->rank - 1;
        if (dim == 1)
            continue;
        bool joins = last >= 0;
        for (int k = 0; joins && k <= operands; k++)
            joins = loop->stride[k][last] == stride[k][i] * dim;
        if (joins)
            loop->dim[last] *= dim;
        else
            loop->dim[loop->rank++] = dim;
        for (int k = 0; k <= operands; k++)
            loop->stride[k][loop->rank - 1] = stride[k][i];
    }
    if (loop->rank == 0) {
        loop->rank = 1;
        loop->dim[0] = 1;
        for (int k = 0; k <= operands; k++)
            loop->stride[k][0] = k == operands;
    }
}

bool ami_loop_next(const ami_loop *loop, int operands, int64_t *index, int64_t *at)
{
    for (int i = loop->rank - 2; i >= 0; i--) {
        for (int k = 0; k <= operands; k++)
            at[k] += loop->stride[k][i];
        if (++index[i] < loop->dim[i])
            return true;
        for (int k = 0; k <= operands; k++)
            at[k] -= loop->stride[k][i] * loop->dim[i];
        index[i] = 0;
    }
    return false;
}
