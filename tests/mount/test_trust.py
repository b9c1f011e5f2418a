# SPDX-License-Identifier: Apache-2.0
"""A stranger's image never comes into a trusted group, whatever its owner wrote into it."""
import pytest

import data


def places(mounted):
    """id -> the groups of images/ and of by-imagetype/ that hold it."""
    found = {}
    for top in ('images', 'by-imagetype'):
        for group in mounted.list(top):
            names = mounted.list(top, group) if top != 'images' else [
                name for platform in mounted.list(top, group) for status in mounted.list(top, group, platform)
                for name in mounted.list(top, group, platform, status)]
            for name in names:
                found.setdefault(name.rpartition('@')[2], set()).add(group)
    return found


@pytest.mark.parametrize('spoof', ['gold', 'public', 'market', 'private', 'GOLD', '../gold', 'gold\n'])
@pytest.mark.parametrize('visibility', ['shared', 'private', 'community'])
def test_spoofed_type(mount, source_file, visibility, spoof):
    honest = data.record(0, name='Ubuntu 22.04')
    spoofed = data.record(1, name='Ubuntu 22.04', visibility=visibility, __imagetype=spoof)
    mounted = mount(source_file(data.response([spoofed, honest])))
    assert places(mounted) == {honest['id']: {'gold'}, spoofed['id']: {visibility}}
    assert sorted(mounted.list('by-name', 'Ubuntu 22.04')) == sorted([honest['id'], spoofed['id']])


def test_types_that_agree(mount, source_file):
    pairs = [('public', 'gold'), ('public', 'market'), ('private', 'private'), ('private', 'shared'),
             ('shared', 'shared')]
    items = [data.record(i, visibility=v, __imagetype=t) for i, (v, t) in enumerate(pairs)]
    items.append(data.record(5, visibility=..., __imagetype='gold'))
    mounted = mount(source_file(data.response(items)))
    assert places(mounted) == {items[i]['id']: {t} for i, (_, t) in enumerate(pairs + [('', 'gold')])}


def test_plain_glance(mount, source_file):
    """No __imagetype: the visibility is the group."""
    items = [data.record(i, visibility=v, __imagetype=...) for i, v in enumerate(['public', 'private', 'community'])]
    mounted = mount(source_file(data.response(items)))
    assert mounted.list('images') == ['community', 'private', 'public']
