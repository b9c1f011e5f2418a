# SPDX-License-Identifier: Apache-2.0
"""What a server may do to us; each has a row in the table at least."""

THREATS = {
    1: 'pages that lead back', 2: 'pages without an end', 3: 'an address that leads elsewhere', 4: 'redirects',
    5: 'too many records', 6: 'nesting', 7: 'bodies without an end', 8: 'compression', 9: 'drips and silence',
    10: 'answers cut short', 11: 'answers that are something else', 12: 'answers that are no list', 13: 'an empty list',
    14: 'JSON that is none', 15: 'ids that come twice', 16: 'ids that are none', 17: 'NULs and control bytes',
    18: 'bytes that are no UTF-8', 19: 'names that mean something to a file system', 20: 'long names',
    21: 'names that are equal', 22: 'keys', 23: 'numbers', 24: 'sizes', 25: 'times', 26: 'what a terminal would obey',
    27: 'large records', 28: 'a refusal of who we are', 29: 'one in the middle', 30: 'a refusal of what we ask',
    31: 'please wait', 32: 'errors that come and go', 33: 'headers', 34: 'versions of HTTP', 35: 'certificates',
    36: 'names of hosts',
    37: 'nobody there, or somebody else', 38: 'what the environment says',
}
