# SPDX-License-Identifier: Apache-2.0
"""The log: a line for each change, and nobody waits for who reads it."""
import time

import data
import harness
from rawserver import Paged, error

RECORDS = data.records(5)


def lines_with(mounted, word):
    return [line for line in mounted.stderr().splitlines() if word in line and not harness.DEBUG_LINE.match(line)]


def test_a_failing_server_is_told_once(mount, raw):
    """It is asked again and again; with another reason, too, it is too soon for another line."""
    pages = Paged(RECORDS)
    server = raw(lambda request, n: pages(request, n) if n < 2 else error(503 if n < 5 else 403, 'thing %d' % n))
    mounted = mount(server.url, 'ttl=0.2', 'timeout=0.3')

    def failed_often():
        mounted.list('by-id')
        return len(server.lists()) > 8
    assert harness.wait_for(failed_often, 30)
    assert len(lines_with(mounted, '/v2/images: ')) == 1
