/* Computes advantages and value targets. */
#include "learn/gae.h"

void ami_gae(int n, const float *reward, const float *value, const float *next, const unsigned char *last,
             float gamma, float lambda, float *advantage, float *target)
{
    float flow = 0;
    for (int t = n - 1; t >= 0; t--) {
        const float delta = reward[t] + gamma * next[t] - value[t];
        flow = delta + (last[t] ? 0 : gamma * lambda * flow);
        advantage[t] = flow;
        target[t] = flow + value[t];
    }
}
