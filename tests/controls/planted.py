# SPDX-License-Identifier: Apache-2.0
"""One test of a mount, like any other. test_controls.py runs it with imsfs-planted in the place of imsfs."""
import importlib.util
import pathlib
import sys

MOUNT = pathlib.Path(__file__).resolve().parent.parent / 'mount'
sys.dont_write_bytecode = True
sys.path[:0] = [str(MOUNT)]

import data  # noqa: E402

SPEC = importlib.util.spec_from_file_location('mount_conftest', MOUNT / 'conftest.py')
fixtures = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fixtures)
directory, limit, mount, source_file = fixtures.directory, fixtures.limit, fixtures.mount, fixtures.source_file


def test_planted(mount, source_file):
    assert len(mount(source_file(data.generated(1))).list('by-id')) == 1
