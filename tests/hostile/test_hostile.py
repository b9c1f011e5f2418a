# SPDX-License-Identifier: Apache-2.0
"""The table of hostile answers: each row cold and with a warm list. runner.py says what is looked at."""
import pytest

import case as table
import http_cases
import json_cases
import page_cases
import place_cases
import record_cases
import transfer_cases
from threats import THREATS

CASES = [row for module in (page_cases, place_cases, transfer_cases, json_cases, record_cases, http_cases)
         for row in module.CASES]
RUNS = [table.Run(row, warm) for row in CASES for warm in (False, True) if not (row.never and warm)]
pytestmark = pytest.mark.filterwarnings('ignore:ssl.TLSVersion')  # a server that is old is one of the rows


@pytest.mark.parametrize('run', RUNS, ids=str)
@pytest.mark.limit(120)
def test_run(outcome, run):
    outcome(run)


@pytest.mark.offline
def test_the_table_is_whole():
    names = [str(row) for row in CASES]
    assert len(set(names)) == len(names) >= 120
    assert {row.threat for row in CASES} == set(THREATS)
