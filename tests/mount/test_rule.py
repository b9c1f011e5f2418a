# SPDX-License-Identifier: Apache-2.0
"""Images that ims-sim makes by rule: as a service that has them, and mounted."""
import signal

import harness


def walk(sim, target):
    """All ids behind a list call, page by page."""
    found = []
    while target:
        answer = sim.get(target)
        found += [image['id'] for image in answer['images']]
        target = answer.get('next')
    return found


def test_pages_of_any_size_and_order_are_one_list(sim):
    one = sim(None, '--rule', '2500')
    ids = walk(one, '/v2/images?limit=1000')
    assert len(set(ids)) == len(ids) == 2500
    assert walk(one, '/v2/images?limit=700&sort_dir=asc') == ids[::-1]
    page = one.get('/v2/cloudimages?limit=300&marker=' + ids[1999])['images']
    assert [image['id'] for image in page] == ids[2000:2300]
    assert 0 < len(walk(one, '/v2/images?limit=500&status=queued')) < 2500


def test_a_mount_follows_the_rule(sim, mount):
    one = sim(None, '--rule', '2500+100')
    before = walk(one, '/v2/images?limit=1000')
    mounted = mount(one.url)
    assert mounted.list('by-id') == sorted(before)
    one.process.send_signal(signal.SIGHUP)
    assert harness.wait_for(lambda: walk(one, '/v2/images?limit=1000')[100:] == before[:-100], 10)
    mounted.process.send_signal(signal.SIGHUP)
    after = sorted(walk(one, '/v2/images?limit=1000'))
    assert harness.wait_for(lambda: mounted.list('by-id') == after, 20)
