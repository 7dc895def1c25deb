/* Generalised advantage estimation (Schulman et al. 2016) for the consecutive steps of one environment, which
 * may contain episode ends. */
#ifndef AMI_LEARN_GAE_H
#define AMI_LEARN_GAE_H

/* All arrays (n), in order of time:
 *   reward    r_t
 *   value     critic's value of the state at t
 *   next      critic's value of the state after step t; 0 if the episode failed there; the final
 *             state's value if it timed out or the steps end
 *   last      the episode ended with step t (failure or time-out), which ends the sum
 * Results: advantage A_t = Σ (γλ)^k δ_{t+k} with δ_t = r_t + γ next_t - value_t, and target = A_t + value_t,
 * the TD(λ) return. */
void ami_gae(int n, const float *reward, const float *value, const float *next, const unsigned char *last,
             float gamma, float lambda, float *advantage, float *target);

#endif
