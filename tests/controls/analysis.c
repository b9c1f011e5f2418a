// SPDX-License-Identifier: Apache-2.0
/* Is never compiled: each analyzer must find what is wrong here (tests/analyze.py). */

int read_nothing(void);

int read_nothing(void)
{
    const int *nothing = 0;
    return *nothing;
}
