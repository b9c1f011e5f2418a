# SPDX-License-Identifier: Apache-2.0
"""What a mount gives up: rights, capabilities, files, descriptors; and that all still works without them."""
import glob
import os
import re

import data
import harness

ITEMS = data.records(5)



def fields(path):
    with open(path) as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


def test_process_settings(mount, source_file):
    mounted = mount(source_file(data.response(ITEMS)))
    pid, = mounted.pids()
    with open('/proc/%d/limits' % pid) as limits:
        assert re.search(r'Max core file size +0 +0 ', limits.read())
    assert fields('/proc/%d/status' % pid)['Umask'] == '0077'


def test_inherited_descriptors_are_closed(mount, source_file, directory):
    mounted = harness.Mount(directory(), source_file(data.response(ITEMS)))
    mounted.command = ['sh', '-c', 'exec "$@" 9</etc/hostname', 'sh', *mounted.command]
    try:
        mounted.start()
        pid, = mounted.pids()
        open_files = [os.readlink(path) for path in glob.glob('/proc/%d/fd/*' % pid)]
        assert '/etc/hostname' not in open_files and len(open_files) > 5
    finally:
        assert mounted.stop()
