# SPDX-License-Identifier: Apache-2.0
"""A refresh asks for its pages side by side, as the last listing cut them, and shows what one page after the other
would."""
import dataclasses
import random
import signal
import threading
import time

import pytest

import data
import harness
from rawserver import Paged, Reply, error

SIZE = 10
ITEMS = data.records(82)


class Shop(Paged):
    """Pages of a list that changes, and how many of its requests are answered at the same time. Where .gate is set, none
    is answered before that many have come."""

    def __init__(self, items, **named):
        super().__init__(list(items), size=SIZE, **named)
        self.lock = threading.Lock()
        self.here = self.most = self.asked = 0
        self.gate = 0
        self.good = None  # the token that is taken; None: any
        self.refuse = {}  # number of a request since start() -> Reply
        self.change = None  # called before each answer

    def start(self, gate=0):
        with self.lock:
            self.here = self.most = self.asked = 0
            self.gate = gate

    def arrive(self):
        with self.lock:
            self.here += 1
            self.asked += 1
            self.most = max(self.most, self.here)
            return self.asked

    def __call__(self, request, n):
        number = self.arrive()
        for _ in range(1000):
            if self.most >= self.gate:
                break
            time.sleep(0.005)
        with self.lock:
            self.here -= 1
            if self.change:
                self.change(self)
            if self.good and request.headers.get('x-auth-token') != self.good:
                return error(401, 'expired')
            if number in self.refuse:
                return self.refuse[number]
            answer = super().__call__(request, n)
            if request.path.endswith('cloudimages') and answer.status == 200:
                answer = dataclasses.replace(answer, body=answer.body.replace(b'"next"', b'"none"'))
            return answer

    def ids(self):
        with self.lock:
            return sorted(record['id'] for record in self.records)


def refresh(mounted, seconds=20):
    before = mounted.status()['lists_published']
    mounted.signal(signal.SIGHUP)
    harness.wait_for(lambda: mounted.status()['lists_published'] > before, seconds)


def opened(mount, raw, *options, shop=None, **named):
    shop = shop or Shop(ITEMS)
    server = raw(shop)
    mounted = mount(server.url, 'page_size=%d' % SIZE, 'ttl=3600', *options, **named)
    assert mounted.list('by-id') == shop.ids()
    return shop, mounted


@pytest.mark.parametrize('options, width', [((), 4), (('parallel=1',), 1), (('parallel=2',), 2),
                                            (('api=cloudimages',), 4)])
def test_so_many_at_a_time(mount, raw, options, width):
    shop, mounted = opened(mount, raw, *options)
    pages = shop.asked
    for _ in range(2):
        shop.start(gate=width)
        refresh(mounted)
        assert (shop.most, shop.asked) == (width, pages)
        assert mounted.list('by-id') == shop.ids()


def test_a_change_in_the_middle_makes_it_careful(mount, raw):
    shop, mounted = opened(mount, raw)
    del shop.records[39]  # the marker of a page
    shop.records.insert(0, data.records(90)[85])
    refresh(mounted)
    assert mounted.list('by-id') == shop.ids()
    shop.start()
    refresh(mounted)
    assert (shop.most, shop.asked) == (1, 9)
    shop.start(gate=4)
    refresh(mounted)
    assert (shop.most, shop.asked) == (4, 9)


@pytest.mark.parametrize('status', [429, 503, 500, 404])
def test_who_asks_for_patience_gets_it(mount, raw, status):
    shop, mounted = opened(mount, raw)
    shop.start(gate=4)
    shop.refuse = {6: Reply(b'{}', status, (('Retry-After', '0'),))}
    refresh(mounted)
    assert mounted.list('by-id') == shop.ids()
    assert shop.asked == 10
    shop.start()
    shop.refuse = {}
    refresh(mounted)
    assert (shop.most, shop.asked) == (1, 9)


def test_a_token_that_expires_on_the_way(mount, raw, tmp_path):
    token = tmp_path / 'token'
    token.write_text(harness.TOKEN + '-old')
    shop, mounted = opened(mount, raw, 'token_file=%s' % token)
    shop.start(gate=4)
    shop.good = harness.TOKEN + '-new'
    token.write_text(shop.good)
    refresh(mounted)
    assert mounted.list('by-id') == shop.ids()
    assert mounted.status()['last_error'] in (None, '')
    shop.start(gate=4)
    refresh(mounted)
    assert shop.most == 4  # a new token is no trouble


def test_sigterm_in_the_middle(mount, raw):
    shop, mounted = opened(mount, raw)
    shop.start()
    shop.refuse = {n: Reply(hang=True) for n in range(1, 9)}
    mounted.signal(signal.SIGHUP)
    harness.wait_for(lambda: shop.asked == 4, 10)
    mounted.signal(signal.SIGTERM)
    assert mounted.gone(5)


@pytest.mark.parametrize('seed', range(12))
def test_nothing_that_stays_is_lost(mount, raw, seed):
    """Images come, go and change while the list is read, in every order that 4 requests can have."""
    chance = random.Random(seed)
    spare = data.records(400)[len(ITEMS):]
    stayed = set()

    def change(shop):
        kind = chance.randrange(12)
        if kind in (0, 1):
            shop.records.insert(0, spare.pop())
        elif kind == 2:
            shop.records.append(spare.pop())
        elif kind == 3:
            shop.records.insert(chance.randrange(len(shop.records)), spare.pop())
        elif kind == 4:
            stayed.discard(shop.records.pop(chance.randrange(len(shop.records)))['id'])
        elif kind == 5:
            at = chance.randrange(len(shop.records))
            shop.records[at] = dict(shop.records[at], name='changed', updated_at='2030-01-01T00:00:%02dZ' % at)
    shop, mounted = opened(mount, raw, 'api=%s' % ('images', 'cloudimages')[seed % 2])
    for turn in range(10):
        stayed.update(shop.ids())
        shop.change = change if turn % 3 else None
        refresh(mounted)
        shop.change = None
        # The kernel is told of a list when it is published, not before.
        assert harness.wait_for(lambda: stayed <= set(mounted.list('by-id')), 5), seed
        names = mounted.list('by-id')
        assert len(set(names)) == len(names)
        stayed.clear()
    harness.wait_for(lambda: not (refresh(mounted) or mounted.list('by-id') != shop.ids()), 10)
