/* Reads counts such as "20k" and "4.1M". */
#include "base/count.h"

#include "base/number.h"

#include <math.h>

bool ami_count_read(const char *text, double *value)
{
    const char *end;
    double x;
    if (!ami_number_read(text, &end, &x))
        return false;
    if (*end) {
        if ((*end != 'k' && *end != 'M') || end[1])
            return false;
        x *= *end == 'k' ? 1e3 : 1e6;
        if (fabs(x - round(x)) <= 1e-15 * fabs(x)) /* 4.1 · 1e6 is 4099999.9999999995 */
            x = round(x);
        if (!isfinite(x))
            return false;
    }
    *value = x;
    return true;
}
