# SPDX-License-Identifier: Apache-2.0
"""Each of the detectors that the tests rely on sees what it is there for: with a fault in the daemon the test of a mount
fails, and says which; without one it passes. Which of them a build has, its options tell."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / os.environ.get('IMSFS_BUILD', 'build-test')
FAULTS = {  # what is planted: what detects it, what that says
    'leak': ('address', 'LeakSanitizer: detected memory leaks'),
    'use-after-free': ('address', 'AddressSanitizer: heap-use-after-free'),
    'overflow': ('undefined', 'runtime error: signed integer overflow'),
    'race': ('thread', 'ThreadSanitizer: data race'),
    'token': (None, "secrets can be seen: [\"{work}"),
}


def sanitizers():
    with open(BUILD / 'meson-info/intro-buildoptions.json') as file:
        return next(option['value'] for option in json.load(file) if option['name'] == 'b_sanitize').split(',')


@pytest.fixture
def planted(tmp_path):
    """planted('leak'): the exit status of the test, and what it printed."""
    (tmp_path / 'imsfs').symlink_to(BUILD / 'imsfs-planted')

    def run(fault):
        env = {**os.environ, 'IMSFS_BUILD': str(tmp_path), 'IMSFS_PLANT': fault}
        done = subprocess.run([sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-p', 'no:xdist',
                               '--basetemp', str(tmp_path / 'work'), str(HERE / 'planted.py')], env=env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout
    return run


@pytest.mark.parametrize('fault', FAULTS)
def test_a_fault_is_seen(planted, tmp_path, fault):
    detector, words = FAULTS[fault]
    if detector and detector not in sanitizers():
        pytest.skip('this build has no sanitizer for it')
    status, said = planted(fault)
    assert status == 1 and words.format(work=tmp_path / 'work') in said, said


def test_without_a_fault_it_passes(planted):
    status, said = planted('none')
    assert status == 0, said
