# SPDX-License-Identifier: Apache-2.0
"""The table's runs, several at a time, each a test of its own. The rest is that of tests/mount."""
import importlib.util
import pathlib
import sys
import concurrent.futures

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / 'mount')]

import runner  # noqa: E402

SPEC = importlib.util.spec_from_file_location('mount_conftest', HERE.parent / 'mount/conftest.py')
mount_conftest = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mount_conftest)
for name in ('pytest_configure', 'pytest_collection_modifyitems', 'pytest_sessionstart', 'limit', 'foreign_host'):
    globals()[name] = getattr(mount_conftest, name)
AT_A_TIME = 6  # most of them wait


@pytest.fixture(scope='session')
def outcome(request, tmp_path_factory):
    """outcome(case, warm) waits for that run, and raises what went wrong. All that were chosen start at once."""
    work = tmp_path_factory.mktemp('runs')
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        # The slow ones first, so that the end does not wait for one.
        chosen = sorted((item.callspec.params['run'] for item in request.session.items
                         if 'run' in getattr(getattr(item, 'callspec', None), 'params', ())),
                        key=lambda run: -run.case.after)
        futures = {run: pool.submit(runner.play, run, work / str(i)) for i, run in enumerate(chosen)}
        yield lambda run: futures[run].result()
        for future in futures.values():
            future.cancel()
