/* Fits an actor and a critic to examples. */
#include "learn/copier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ami_copier_init(ami_copier *copier, int inputs, int hidden1, int hidden2, int actions, int rows,
                     ami_train_precision precision, ami_error *err)
{
    *copier = (ami_copier){.rows = rows, .outputs = {actions, 1}};
    for (int k = 0; k < 2; k++) {
        const int dim[] = {inputs, hidden1, hidden2, copier->outputs[k]};
        copier->net[k] = ami_train_net_create(3, dim, rows, precision, err);
        copier->d[k] = malloc((size_t)rows * (size_t)copier->outputs[k] * sizeof(float));
        if (copier->net[k] && copier->d[k] &&
            ami_adam_init(&copier->adam[k], ami_train_net_size(copier->net[k]), err))
            continue;
        if (copier->net[k] && !copier->d[k])
            ami_fail(err, "out of memory for %d examples", rows);
        ami_copier_free(copier);
        return false;
    }
    return true;
}

void ami_copier_free(ami_copier *copier)
{
    for (int k = 0; k < 2; k++) {
        ami_train_net_destroy(copier->net[k]);
        ami_adam_free(&copier->adam[k]);
        free(copier->d[k]);
    }
    *copier = (ami_copier){0};
}

bool ami_copier_failed(const ami_copier *copier, ami_error *err)
{
    return ami_train_net_failed(copier->net[0], err) || ami_train_net_failed(copier->net[1], err);
}

void ami_copier_start(ami_copier *copier, const float *actor, const float *critic)
{
    const float *from[2] = {actor, critic};
    for (int k = 0; k < 2; k++) {
        const size_t size = ami_train_net_size(copier->net[k]);
        memcpy(ami_train_net_parameters(copier->net[k]), from[k], size * sizeof(float));
        ami_train_net_parameters_changed(copier->net[k]);
        memset(copier->adam[k].m, 0, size * sizeof(float));
        memset(copier->adam[k].v, 0, size * sizeof(float));
        copier->adam[k].step = 0;
    }
}

/* TEAM. */
static void learn(ami_copier *c, int k, const float *x, const float *target, int n, float rate)
{
    const int outputs = c->outputs[k];
    const float *y = ami_train_net_forward(c->net[k], x, n);
#pragma omp for schedule(static)
    for (int i = 0; i < n * outputs; i++)
        c->d[k][i] = (y[i] - target[i]) / (float)n;
    ami_train_net_backward(c->net[k], c->d[k], n);
    ami_adam_update(&c->adam[k], ami_train_net_parameters(c->net[k]), ami_train_net_gradient(c->net[k]), rate,
                    0);
    ami_train_net_parameters_changed(c->net[k]);
}

double ami_copier_learn(ami_copier *copier, const float *x, const float *action, const float *value, int n,
                        float rate)
{
#pragma omp parallel
    {
        learn(copier, 0, x, action, n, rate);
        if (value)
            learn(copier, 1, x, value, n, rate);
    }
    double squares = 0;
    for (int i = 0; i < n * copier->outputs[0]; i++)
        squares += (double)copier->d[0][i] * (double)copier->d[0][i];
    return sqrt(squares * n / copier->outputs[0]);
}
