/* Generalised advantage estimation (Schulman et al. 2016) for one environment's stretch of steps, episode
 * ends inside it included. */
#ifndef AMI_LEARN_GAE_H
#define AMI_LEARN_GAE_H

/* All arrays (n), in order of time:
 *   reward    r_t
 *   value     critic's value of the state at t
 *   next      critic's value of the state that step t led to: 0 where the episode ended in failure, the final
 *             state's own value where it timed out or the stretch was cut off
 *   last      the episode ended with step t (either way), so nothing flows back across it
 * Results: advantage A_t = Σ (γλ)^k δ_{t+k} with δ_t = r_t + γ next_t - value_t, and target = A_t + value_t,
 * which is TD(λ)'s return. */
void ami_gae(int n, const float *reward, const float *value, const float *next, const unsigned char *last,
             float gamma, float lambda, float *advantage, float *target);

#endif
