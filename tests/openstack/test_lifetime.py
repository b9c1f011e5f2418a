# SPDX-License-Identifier: Apache-2.0
"""Tokens that expire, and a Keystone that goes away: who reads the mount sees nothing of either."""
import os
import signal
import time

import pytest

import accounts
import api
import harness
from cloud import OPS


def read_once(mounted, expected):
    """A listing and a record, as a script would; raises what goes wrong."""
    assert mounted.list('by-id') == expected
    assert mounted.read('by-id', expected[0], 'id') == expected[0].encode() + b'\n'


def read_until(mounted, expected, condition, seconds):
    """Reads the mount twice a second until the condition holds; answers whether it did."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        read_once(mounted, expected)
        time.sleep(0.5)
    return True


@pytest.fixture
def running(short):
    """The short Keystone, in order again after the test."""
    yield short
    if short.process:
        os.killpg(short.process.pid, signal.SIGCONT)
    else:
        short.start()


@pytest.mark.limit(300)
@pytest.mark.parametrize('seconds', [60, pytest.param(180, marks=pytest.mark.all)])
def test_read_every_second(signed, records, short, seconds):
    """One sign-in for each lifetime; one more at each end."""
    expected = sorted(records(OPS))
    before = len(short.sign_ins())
    mounted = signed(None, 'ttl=1', env=accounts.variables(short, OPS))
    listings = mounted.status()['listings']
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        read_once(mounted, expected)
        status = mounted.status()
        assert not status['failing'], status
        time.sleep(1)
    lifetimes = (time.monotonic() - start) / short.lifetime
    sign_ins = short.sign_ins()[before:]
    assert set(sign_ins) == {201}, sign_ins
    assert int(lifetimes) <= len(sign_ins) <= lifetimes + 2, (lifetimes, sign_ins)
    assert mounted.status()['listings'] - listings > lifetimes, 'it was hardly ever renewed'


@pytest.mark.limit(120)
def test_expires_between_two_pages(signed, cloud, records, short, proxy, tmp_path):
    """The third page is asked for with a good token and held until that is none any more: it is asked for again,
    with the same marker, and what came before is kept."""
    def hold(path):
        if len(door.lists()) == 3:
            time.sleep(short.lifetime + 2)

    door = proxy(cloud.glance_root, hold)
    before = len(short.sign_ins())
    config = accounts.write_clouds(tmp_path, {'x': {
        'auth': accounts.password_auth(short, OPS), 'region_name': 'RegionOne',
        'image_endpoint_override': door.root}})
    mounted = signed('x', 'page_size=40', 'timeout=60', 'ttl=600', env={'OS_CLIENT_CONFIG_FILE': config})
    assert harness.wait_for(lambda: len(mounted.list('by-id')) == len(records(OPS)), 60)
    lists = door.lists()
    assert lists[2] == lists[3] and 'marker=' in lists[2], lists
    assert len(set(lists)) == len(lists) - 1 == len(records(OPS)) // 40 + 1, lists
    assert len(short.sign_ins()) - before == 2
    assert mounted.list('by-id') == sorted(records(OPS))


@pytest.mark.limit(120)
def test_token_file_is_read_again(signed, cloud, records, short, proxy, tmp_path):
    """A token that is refused sends us to the file; whoever writes it need not tell us."""
    door = proxy(cloud.glance_root)
    expected = sorted(records(OPS))
    path = accounts.write_token(tmp_path, api.Keystone(short.root).sign_in(OPS))
    mounted = signed(door.root, 'ttl=1', 'token_file=' + path, env={})
    assert read_until(mounted, expected, lambda: mounted.status()['failing'], short.lifetime + 30)
    accounts.write_token(tmp_path, cloud.keystone.sign_in(OPS))
    assert read_until(mounted, expected, lambda: not mounted.status()['failing'], 60)
    asked = len(door.lists())
    assert read_until(mounted, expected, lambda: len(door.lists()) > asked, 30)


def down(short, how):
    if how == 'stopped':
        short.stop()
    else:
        os.killpg(short.process.pid, signal.SIGSTOP)


def up(short, how):
    if how == 'stopped':
        short.start()
    else:
        os.killpg(short.process.pid, signal.SIGCONT)


@pytest.mark.limit(240)
@pytest.mark.parametrize('how, seconds', [('stopped', 10), ('hanging', 3),
                                          pytest.param('stopped', 60, marks=pytest.mark.all)])
def test_keystone_goes_away(signed, records, running, how, seconds):
    """For some seconds at least. Reading goes on from the last good list; the status says so, and why."""
    expected = sorted(records(OPS))
    mounted = signed(None, 'ttl=1', 'timeout=10', env=accounts.variables(running, OPS))
    end = time.monotonic() + seconds
    down(running, how)
    assert read_until(mounted, expected, lambda: mounted.status()['failing'], running.lifetime + 30), mounted.status()
    status = mounted.status()
    assert str(running.port) in status['last_error'], status
    assert read_until(mounted, expected, lambda: time.monotonic() > end, seconds + 30)
    assert mounted.status()['failing']
    up(running, how)
    assert read_until(mounted, expected, lambda: not mounted.status()['failing'], 60), mounted.status()
