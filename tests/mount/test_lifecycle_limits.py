# SPDX-License-Identifier: Apache-2.0
"""Without free descriptors or processes: a mount that works, or one line that says what is short; and it comes back."""
import os
import resource
import subprocess
import tempfile

import pytest

import data
import harness
from rawserver import Paged

RECORDS = data.records(5)


def start_with(count, source, point, what=resource.RLIMIT_NOFILE, **named):
    return subprocess.run([harness.IMSFS, source, point], stdin=subprocess.DEVNULL, capture_output=True, timeout=30,
                          env=harness.environment('/dev/null', ASAN_OPTIONS='detect_leaks=0'),
                          preexec_fn=lambda: resource.setrlimit(what, (count, count)), **named)


@pytest.mark.parametrize('kind', ['file', 'http'])
@pytest.mark.parametrize('count', [*range(4, 10), *range(10, 40, 3)])
def test_few_descriptors(raw, source_file, tmp_path, kind, count):
    source = raw(Paged(RECORDS)).url if kind == 'http' else source_file(data.response(RECORDS))
    point = str(tmp_path / 'mnt')
    os.mkdir(point)
    result = start_with(count, source, point)
    try:
        text = result.stderr.decode()
        if result.returncode == 0:
            assert len(os.listdir(point + '/by-id')) == 5
            subprocess.run(['fusermount3', '-u', point], check=True)
        else:
            assert len(text.splitlines()) == 1 and 'ulimit -n' in text, text
        assert harness.wait_for(lambda: point not in harness.mounts() and not harness.processes_of(point), 10)
    finally:
        harness.clear(point)


@pytest.mark.skipif(os.getuid() != 0, reason='takes a user of its own')
@pytest.mark.parametrize('count', [1, 2, 3, 4, 6])
def test_few_processes(source_file, count):
    """As a user that nobody else is."""
    if subprocess.run(['test', '-x', harness.IMSFS], user=54321).returncode:
        pytest.skip('others cannot run ' + harness.IMSFS)
    source, point = source_file(data.response(RECORDS)), tempfile.mkdtemp(prefix='imsfs-few-')
    try:
        os.chown(point, 54321, -1)
        result = start_with(count, source, point, resource.RLIMIT_NPROC, user=54321, group=54321, extra_groups=[])
        text = result.stderr.decode()
        assert result.returncode == 1 and len(text.splitlines()) == 1 and 'ulimit -u' in text, text
        assert harness.wait_for(lambda: not harness.processes_of(point), 10)
    finally:
        os.rmdir(point)


def test_descriptors_run_out_and_come_back(mount, raw):
    """The last list stays; when there are some again, it is renewed."""
    records = list(RECORDS)
    server = raw(lambda request, n: Paged(records)(request, n))
    mounted = mount(server.url, 'ttl=0.5', 'timeout=2')
    pid = mounted.process.pid
    assert len(mounted.list('by-id')) == 5
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    server.hang_up()

    def failed():
        return len(mounted.list('by-id')) == 5 and mounted.status()['last_error']
    assert harness.wait_for(failed, 20)
    records.append(data.record(7))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert harness.wait_for(lambda: len(mounted.list('by-id')) == 6, 20)
