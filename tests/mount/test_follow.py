# SPDX-License-Identifier: Apache-2.0
"""-o follow: workers run where their clients do; without it, where the kernel likes."""
import glob
import os
import re
import subprocess
import sys

import data

OWN = os.sched_getaffinity(0)
# Each look-up of the status is a request.
ASK = 'import os, sys\nfor _ in range(20): os.stat(sys.argv[1] + "/.imsfs/status.json")'


def ask_from(mounted, cpu):
    subprocess.run([sys.executable, '-c', ASK, mounted.point], check=True,
                   preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))


def places(mounted):
    """Where the threads of the daemon may run."""
    found = []
    for path in glob.glob('/proc/%d/task/*' % mounted.process.pid):
        found.append(os.sched_getaffinity(int(os.path.basename(path))))
    return found


def open_files(mounted):
    return len(os.listdir('/proc/%d/fd' % mounted.process.pid))


def test_a_worker_goes_to_its_client(mount, source_file):
    mounted = mount(source_file(data.generated(5)), 'follow')
    for cpu in sorted(OWN)[:2]:
        ask_from(mounted, cpu)
        assert {cpu} in places(mounted)
    assert sum(place != OWN for place in places(mounted)) <= 2 or len(OWN) == 1


def test_clients_that_went_leave_little(mount, source_file):
    mounted = mount(source_file(data.generated(5)), 'follow')
    before = open_files(mounted)
    for _ in range(50):
        ask_from(mounted, min(OWN))
    assert open_files(mounted) <= before + 16


def test_without_it_nobody_moves(mount, source_file):
    mounted = mount(source_file(data.generated(5)))
    for cpu in sorted(OWN)[:2]:
        ask_from(mounted, cpu)
    assert all(place == OWN for place in places(mounted))


def test_the_tree_is_the_same(mount, source_file):
    source = source_file(data.generated(100))
    plain, followed = (subprocess.run(['find', '.', '-type', 'f', '-exec', 'sha256sum', '{}', '+'], check=True,
                                      cwd=mount(source, *options).path('images'), stdout=subprocess.PIPE).stdout
                       for options in ((), ('follow',)))
    assert len(re.findall(rb'\n', plain)) > 4000
    assert sorted(followed.splitlines()) == sorted(plain.splitlines())
