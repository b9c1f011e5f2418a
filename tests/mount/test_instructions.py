# SPDX-License-Identifier: Apache-2.0
"""What work costs in instructions, counted by callgrind: the same each time. tests/bench/run --count prints all of it.

A bound is some 1.5 times what was counted when it was set: other compilers and libraries differ, and no change of ours
should. Whoever makes something cheaper lowers it.
"""
import pytest

import data
import harness
import instructions

pytestmark = [pytest.mark.all, pytest.mark.limit(300)]
IMAGES = 300  # 1,550 bytes of JSON and 46 attributes each

# Instructions of the whole process for one of each. Some 1,200 of a request are a look at where its reader runs
# (follower.h).
BOUNDS = {
    'listing': 300,  # a byte of JSON that the server sends: received, decoded, shown
    'decode': 205,
    'lookup': 13000,
    'lookup of nothing': 7000,
    'readlink': 9300,
    'getattr': 9600,
    'statfs': 3800,
    'readdirplus': 29000,  # an image's directory has 48 entries, and its end is asked for too
    'file': 7000,  # read, or given before that
    'renewal': 75000,  # of an image that is as it was: received, found to be known, put into its directories
}


@pytest.fixture(scope='module')
def counted(tmp_path_factory):
    assert not instructions.missing()
    work = tmp_path_factory.mktemp('instructions')
    records = work / 'images.json'
    records.write_bytes(data.generated(IMAGES))
    server = harness.Sim(work, records.read_bytes())
    try:
        return instructions.measure_all(harness.BUILD, str(work), server.url, str(records))
    finally:
        server.stop()


@pytest.mark.parametrize('operation', BOUNDS)
def test_work_stays_cheap(counted, operation):
    cost, count, what = counted[operation]
    assert count >= IMAGES, 'the kernel sent %d %s' % (count, what)
    assert 0 < cost <= BOUNDS[operation], '%d instructions for each %s' % (cost, what)
