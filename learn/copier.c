#include "learn/copier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool amb_copier_init(amb_copier *c, int inputs, int hidden1, int hidden2, int actions, int rows,
                     amb_train_precision precision, amb_error *err)
{
    *c = (amb_copier){.rows = rows, .outputs = {actions, 1}};
    for (int k = 0; k < 2; k++) {
        const int dim[] = {inputs, hidden1, hidden2, c->outputs[k]};
        c->net[k] = amb_train_net_create(3, dim, rows, precision, err);
        c->d[k] = malloc((size_t)rows * (size_t)c->outputs[k] * sizeof(float));
        if (c->net[k] && c->d[k] && amb_adam_init(&c->adam[k], amb_train_net_size(c->net[k]), err))
            continue;
        if (c->net[k] && !c->d[k])
            amb_fail(err, "out of memory for %d examples", rows);
        amb_copier_free(c);
        return false;
    }
    return true;
}

void amb_copier_free(amb_copier *c)
{
    for (int k = 0; k < 2; k++) {
        amb_train_net_destroy(c->net[k]);
        amb_adam_free(&c->adam[k]);
        free(c->d[k]);
    }
    *c = (amb_copier){0};
}

bool amb_copier_failed(const amb_copier *c, amb_error *err)
{
    return amb_train_net_failed(c->net[0], err) || amb_train_net_failed(c->net[1], err);
}

void amb_copier_start(amb_copier *c, const float *actor, const float *critic)
{
    const float *from[2] = {actor, critic};
    for (int k = 0; k < 2; k++) {
        const size_t size = amb_train_net_size(c->net[k]);
        memcpy(amb_train_net_parameters(c->net[k]), from[k], size * sizeof(float));
        amb_train_net_parameters_changed(c->net[k]);
        memset(c->adam[k].m, 0, size * sizeof(float));
        memset(c->adam[k].v, 0, size * sizeof(float));
        c->adam[k].step = 0;
    }
}

/* TEAM. */
static void learn(amb_copier *c, int k, const float *x, const float *target, int n, float rate)
{
    const int outputs = c->outputs[k];
    const float *y = amb_train_net_forward(c->net[k], x, n);
#pragma omp for schedule(static)
    for (int i = 0; i < n * outputs; i++)
        c->d[k][i] = (y[i] - target[i]) / (float)n;
    amb_train_net_backward(c->net[k], c->d[k], n);
    amb_adam_update(&c->adam[k], amb_train_net_parameters(c->net[k]), amb_train_net_gradient(c->net[k]), rate,
                    0);
    amb_train_net_parameters_changed(c->net[k]);
}

double amb_copier_learn(amb_copier *c, const float *x, const float *action, const float *value, int n,
                        float rate)
{
#pragma omp parallel
    {
        learn(c, 0, x, action, n, rate);
        if (value)
            learn(c, 1, x, value, n, rate);
    }
    double squares = 0;
    for (int i = 0; i < n * c->outputs[0]; i++)
        squares += (double)c->d[0][i] * (double)c->d[0][i];
    return sqrt(squares * n / c->outputs[0]);
}
