/* --precision, and loading a policy with it; prints the chosen precision. */
#include "options/precision.h"

#include <stdio.h>
#include <string.h>

bool cli_parse_precision(const char *text, ami_precision *precision, ami_error *err)
{
    char known[128] = "";
    if (ami_precision_by_name(text, precision))
        return true;
    for (int p = 0; p < AMI_PRECISIONS; p++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s, ",
                 ami_precision_name((ami_precision)p));
    return ami_fail(err, "--precision is \"%.40s\", expected %sor %s", text, known,
                    ami_precision_name(AMI_PRECISION_AUTO));
}

bool cli_load_policy(ami_policy *policy, const char *path, ami_precision precision,
                     const cli_calibration *calibration, ami_error *err)
{
    char choice[256];
    ami_model_def def = ami_model_default_def();
    def.precision = precision;
    cli_calibration own = calibration ? *calibration : (cli_calibration){0};
    const bool ok = cli_calibration_use(&own, &def, err) && ami_policy_load(policy, path, &def, err);
    cli_calibration_free(&own);
    if (!ok)
        return false;
    ami_policy_describe_network(policy, choice, sizeof choice);
    fprintf(stderr, "%s: %s\n", path, choice);
    return true;
}
