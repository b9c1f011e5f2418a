# SPDX-License-Identifier: Apache-2.0
"""Images that ims-sim makes by rule: as a service that has them, and mounted."""
import os
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


def test_a_directory_keeps_its_number_while_it_is_gone(sim, mount):
    """Every tenth image has the same name; there are three images at a time."""
    one = sim(None, '--rule', '3+3/10')
    mounted = mount(one.url)
    numbers = {}
    for _ in range(11):
        names = mounted.list('by-name')
        for name in names:
            number = os.stat(mounted.path('by-name/' + name)).st_ino
            assert numbers.setdefault(name, number) == number
        one.process.send_signal(signal.SIGHUP)
        assert harness.wait_for(lambda: {i['name'] for i in one.get('/v2/images')['images']}.isdisjoint(names), 10)
        mounted.process.send_signal(signal.SIGHUP)
        assert harness.wait_for(lambda: set(mounted.list('by-name')).isdisjoint(names), 20)
    assert len(numbers) == 10 == len(set(numbers.values()))
