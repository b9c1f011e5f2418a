# SPDX-License-Identifier: Apache-2.0
"""Workers run where a reader is that is alone; with several, and with -o nofollow, where the kernel likes."""
import contextlib
import glob
import os
import re
import subprocess
import threading

import data
import pytest

OWN = os.sched_getaffinity(0)
TIMES = 300  # many more than it takes to be alone, and each of two workers serves some
several_cpus = pytest.mark.skipif(len(OWN) < 2, reason='one CPU is where all are')


def ask(mounted, cpu):
    """Each look-up of the status is a request."""
    os.sched_setaffinity(0, {cpu})  # this thread's
    os.stat(mounted.path('.imsfs/status.json'))


@contextlib.contextmanager
def readers(mounted, *cpus):
    """One thread for each CPU. They ask in turn, so who comes back has had all others in between; and they stay until we
    have looked, for who is gone is not followed."""
    turns = [threading.Semaphore(0) for _ in cpus]
    together = threading.Barrier(len(cpus) + 1)

    def reader(nth):
        for _ in range(TIMES):
            turns[nth].acquire()
            ask(mounted, cpus[nth])
            turns[(nth + 1) % len(turns)].release()
        together.wait()  # all have asked
        together.wait()  # we have looked

    threads = [threading.Thread(target=reader, args=(nth,)) for nth in range(len(cpus))]
    for thread in threads:
        thread.start()
    turns[0].release()
    together.wait()
    try:
        yield
    finally:
        together.wait()
        for thread in threads:
            thread.join()


def threads_of(mounted):
    return [int(os.path.basename(path)) for path in glob.glob('/proc/%d/task/*' % mounted.process.pid)]


def places(mounted):
    """Where the threads of the daemon may run: Cpus_allowed_list in their status."""
    return [os.sched_getaffinity(tid) for tid in threads_of(mounted)]


def open_files(mounted):
    return len(os.listdir('/proc/%d/fd' % mounted.process.pid))


@several_cpus
def test_workers_go_to_who_is_alone(mount, source_file):
    mounted = mount(source_file(data.generated(5)))
    for cpu in sorted(OWN)[:2]:
        with readers(mounted, cpu):
            moved = [place for place in places(mounted) if place != OWN]
        assert {cpu} in moved
        assert len(moved) <= 2


@several_cpus
def test_several_readers_are_not_followed(mount, source_file):
    mounted = mount(source_file(data.generated(5)))
    first, second = sorted(OWN)[:2]
    for cpus in ((first, second), (first, first), (first, second, first)):
        with readers(mounted, first):
            assert {first} in places(mounted)
        with readers(mounted, *cpus):
            assert all(place == OWN for place in places(mounted))


@several_cpus
def test_it_may_be_switched_off(mount, source_file):
    mounted = mount(source_file(data.generated(5)), 'nofollow')
    for cpu in sorted(OWN)[:2]:
        with readers(mounted, cpu):
            assert all(place == OWN for place in places(mounted))


@several_cpus
def test_what_an_administrator_sets_is_kept(mount, source_file):
    """As taskset -a does; where a reader is then, no worker goes."""
    mounted = mount(source_file(data.generated(5)))
    first, second = sorted(OWN)[:2]
    with readers(mounted, first):
        assert {first} in places(mounted)
    for allowed in ({second}, {first}, OWN):
        for tid in threads_of(mounted):
            os.sched_setaffinity(tid, allowed)
        for cpu in (first, second):
            with readers(mounted, cpu):
                assert all(place <= allowed for place in places(mounted))
        with readers(mounted, first, second):
            assert all(place == allowed for place in places(mounted))


def test_clients_that_went_leave_little(mount, source_file):
    mounted = mount(source_file(data.generated(5)))
    before = open_files(mounted)
    for _ in range(20):
        with readers(mounted, min(OWN)):
            assert open_files(mounted) <= before + 8  # one for each worker, and what others open meanwhile


def test_the_tree_is_the_same(mount, source_file):
    source = source_file(data.generated(100))
    plain, followed = (subprocess.run(['find', '.', '-type', 'f', '-exec', 'sha256sum', '{}', '+'], check=True,
                                      cwd=mount(source, *options).path('images'), stdout=subprocess.PIPE).stdout
                       for options in (('nofollow',), ()))
    assert len(re.findall(rb'\n', plain)) > 4000
    assert sorted(followed.splitlines()) == sorted(plain.splitlines())
