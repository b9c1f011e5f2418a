# SPDX-License-Identifier: Apache-2.0
"""examples/systemd/publish: a mount that a service has made in its own mount namespace is seen by everybody."""
import os
import subprocess

import pytest

import data
import harness

PUBLISH = os.path.join(harness.ROOT, 'examples/systemd/publish')


@pytest.mark.skipif(os.getuid() != 0, reason='mount namespaces are for root')
def test_publish(directory, source_file):
    mounted = harness.Mount(directory(), source_file(data.response(data.records(5))), 'allow_other')
    os.mkdir(mounted.point)
    with open(mounted.errors, 'wb') as errors:
        mounted.process = subprocess.Popen(['unshare', '-m', '--propagation', 'slave', *mounted.command],
                                           stdin=subprocess.DEVNULL, stderr=errors, env=mounted.env, cwd='/')
    try:
        for _ in range(2):  # the second time it is there already
            subprocess.run([PUBLISH, str(mounted.process.pid), mounted.point, '10'], check=True)
            assert len(mounted.list('by-id')) == 5
            with open('/proc/self/mountinfo') as table:
                assert table.read().count(' %s ' % mounted.point) == 1
        mounted.process.terminate()
        assert mounted.process.wait(10) == 0 and not mounted.reports()
        subprocess.run(['umount', '-l', mounted.point], check=True)
        assert not os.listdir(mounted.point)
    finally:
        mounted.destroy()


def test_what_is_not_mounted_is_told(directory):
    done = subprocess.run([PUBLISH, str(os.getpid()), str(directory()), '0.2'], capture_output=True, text=True)
    assert done.returncode == 1 and 'nothing is mounted' in done.stderr
