/* --precision, and loading a policy at it with a line that says what it became. */
#include "options/precision.h"

#include <stdio.h>
#include <string.h>

bool cli_parse_precision(const char *text, amb_precision *precision, amb_error *err)
{
    char known[128] = "";
    if (amb_precision_by_name(text, precision))
        return true;
    for (int p = 0; p < AMB_PRECISIONS; p++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s, ",
                 amb_precision_name((amb_precision)p));
    return amb_fail(err, "--precision is \"%.40s\", expected %sor %s", text, known,
                    amb_precision_name(AMB_PRECISION_AUTO));
}

bool cli_load_policy(amb_policy *policy, const char *path, amb_precision precision, amb_error *err)
{
    char choice[256];
    amb_model_def def = amb_model_default_def();
    def.precision = precision;
    if (!amb_policy_load(policy, path, &def, err))
        return false;
    amb_model_describe(policy->actor, choice, sizeof choice);
    fprintf(stderr, "%s: %s\n", path, choice);
    return true;
}
