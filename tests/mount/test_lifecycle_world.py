# SPDX-License-Identifier: Apache-2.0
"""The clock jumps."""
import os

import pytest

import data
import harness
from rawserver import Paged

YEARS = 10 * 365 * 86400
LIBFAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'


@pytest.mark.skipif(not os.path.exists(LIBFAKETIME), reason='faketime is not installed')
@pytest.mark.skipif(harness.built_with('libtsan.so') or harness.built_with('AddressSanitizer'),
                    reason='TSan, and the ASan that clang links in, do not start below libfaketime')
def test_the_wall_clock_jumps(mount, raw, directory):
    """Ten years ahead, and back, and ten years behind: what is valid stays so, and what ends, ends."""
    work = directory()
    offset = work / 'offset'

    def jump(seconds):
        (work / 'new').write_text('%+d\n' % seconds)
        os.rename(work / 'new', offset)
    jump(0)
    records = data.records(5)
    server = raw(lambda request, n: Paged(records)(request, n))
    mounted = mount(server.url, 'ttl=3', work=work, env={
        'LD_PRELOAD': LIBFAKETIME, 'FAKETIME_TIMESTAMP_FILE': str(offset), 'FAKETIME_NO_CACHE': '1',
        'FAKETIME_DONT_FAKE_MONOTONIC': '1', 'ASAN_OPTIONS': 'verify_asan_link_order=0'})
    for seconds in (YEARS, 0, -YEARS):
        mounted.list('by-id')
        listings = mounted.status()['listings']
        jump(seconds)
        now = mounted.status()
        assert now['listings'] == listings and len(mounted.list('by-id')) == len(records)
        records.append(data.record(len(records)))
        assert harness.wait_for(lambda: len(mounted.list('by-id')) == len(records), 4 + harness.SLACK)
        assert mounted.status()['listings'] == listings + 1
