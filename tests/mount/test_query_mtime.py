# SPDX-License-Identifier: Apache-2.0
"""A directory that was never listed does not change by being listed, so tar has nothing to complain of."""
import os
import subprocess

import pytest

import data
import harness
from rawserver import Paged, error

RECORDS = [data.record(i, visibility='private', status='active') for i in range(30)]


def failing(request, n):
    """Page 2 of the first listing, with all its retries, is lost."""
    return error(500, 'not now') if failing.on and request.value('marker') else Paged(RECORDS, 10)(request, n)


def tar(path):
    done = subprocess.run(['tar', '-C', path, '-cf', '/dev/null', '--totals', '.'], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stderr.decode().splitlines()[:-1]


def times(path):
    found = os.stat(path)
    return found.st_mtime_ns, found.st_ctime_ns


@pytest.mark.parametrize('path', ['images', 'by-id', 'query/name=a', 'query/name=a&sort_key=name',
                                  'query/limit=10&name=a'])
def test_first_tar(mount, raw, path):
    mounted = mount(raw(Paged(list(RECORDS), 10)).url, 'lazy', 'dialect=glance', 'ttl=3600')
    path = mounted.path(*path.split('/'))
    before = times(path)
    assert tar(path) == (0, [])
    assert times(path) == before and len(os.listdir(path)) > 0
    assert tar(path) == (0, [])
    assert times(path) == before


@pytest.mark.parametrize('path', ['images', 'query/status=active'])
def test_a_first_listing_that_failed_was_a_change(mount, raw, path):
    failing.on = True
    mounted = mount(raw(failing).url, 'lazy', 'timeout=2', 'ttl=3600')
    path = mounted.path(*path.split('/'))
    before = times(path)
    assert harness.error_of(os.listdir, path) not in ('OK', 'ENOENT')
    after = times(path)
    assert after > before
    failing.on = False
    assert harness.wait_for(lambda: harness.error_of(os.listdir, path) == 'OK', 10)
    assert times(path) >= after
    assert tar(path) == (0, [])


@pytest.mark.parametrize('path', ['by-id', 'query/status=active'])
def test_a_list_that_changed_is_newer(mount, raw, path):
    pages = Paged(RECORDS[:20], 10)
    mounted = mount(raw(pages).url, 'lazy', 'ttl=1')
    path = mounted.path(*path.split('/'))
    seen = [times(path)]
    assert len(os.listdir(path)) == 20
    seen.append(times(path))
    pages.records = list(RECORDS)
    assert harness.wait_for(lambda: len(os.listdir(path)) == 30, 20)
    seen.append(times(path))
    assert seen[0] == seen[1] < seen[2]
