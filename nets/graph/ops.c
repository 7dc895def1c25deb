/* The table of operators: those of all ops_*.c, in one list. */
#include "nets/graph/ops.h"

static const struct {
    const ami_op *op;
    const int *count;
} table[] = {{ami_ops_elementwise, &ami_ops_elementwise_count},
             {ami_ops_shape, &ami_ops_shape_count},
             {ami_ops_gather, &ami_ops_gather_count},
             {ami_ops_constant, &ami_ops_constant_count},
             {ami_ops_reduce, &ami_ops_reduce_count},
             {ami_ops_dense, &ami_ops_dense_count},
             {ami_ops_conv, &ami_ops_conv_count},
             {ami_ops_rnn, &ami_ops_rnn_count}};
enum { TABLES = sizeof table / sizeof *table };

const ami_op *ami_op_find(const char *name)
{
    for (int t = 0; t < TABLES; t++)
        for (int i = 0; i < *table[t].count; i++)
            if (strcmp(table[t].op[i].name, name) == 0)
                return &table[t].op[i];
    return NULL;
}

const char *ami_graph_operator(int index)
{
    /* The index-th name in alphabetical order, by counting the names before each. */
    for (int t = 0; t < TABLES; t++)
        for (int i = 0; i < *table[t].count; i++) {
            int before = 0;
            for (int u = 0; u < TABLES; u++)
                for (int k = 0; k < *table[u].count; k++)
                    before += strcmp(table[u].op[k].name, table[t].op[i].name) < 0;
            if (before == index)
                return table[t].op[i].name;
        }
    return NULL;
}
