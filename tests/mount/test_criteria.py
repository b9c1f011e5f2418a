# SPDX-License-Identifier: Apache-2.0
"""criteria.py: held to answers worked out by hand, and ims-sim and the command line held to it."""
import json
import subprocess

import pytest

import criteria
import harness
from queries import CLOUD, GLANCE, REFUSED, SENT, SORTED, TAKEN, sample


@pytest.mark.offline
def test_every_parameter_is_in_the_table():
    named = {name for text in SENT + SORTED + CLOUD + GLANCE for name, _ in criteria.parse(text)}
    assert set(criteria.NATIVE + criteria.CLOUD_ONLY + criteria.GLANCE_ONLY) <= named


@pytest.mark.offline
@pytest.mark.parametrize('dialect, text', [(d, t) for d in TAKEN for t in TAKEN[d] if t not in SORTED])
def test_the_table_tells_right_from_wrong(dialect, text):
    """Each criterion selects something and leaves something out, or a test by it could not fail."""
    service = sample(dialect)
    assert criteria.refusal(text, dialect) is None
    found = service.ids(text)
    assert 0 < len(found) < len(service.images)
    if not any(name in text for name in ('member_status', 'visibility', 'os_hidden')):
        assert set(found) < set(service.ids('', call=criteria.call_of(text, dialect))) or '__isregistered' in text


@pytest.mark.offline
@pytest.mark.parametrize('text, ims, glance', REFUSED)
def test_refusals(text, ims, glance):
    assert (criteria.refusal(text, 'ims') or '', criteria.refusal(text, 'glance') or '') == (ims, glance)


@pytest.mark.offline
def test_offline_refusals():
    assert criteria.offline_refusal('flavor_id=x', 'ims') == 'EOPNOTSUPP'
    assert criteria.offline_refusal('visibility=shared&member_status=pending', 'ims') == 'EOPNOTSUPP'
    assert criteria.offline_refusal('member_status=foo', 'ims') == 'EINVAL'
    assert criteria.offline_refusal('architecture=arm', 'ims') is None


@pytest.mark.offline
@pytest.mark.parametrize('text, dialect, api, call', [
    ('', 'ims', 'images', 'images'),
    ('status=active', 'ims', 'cloudimages', 'cloudimages'),
    ('status=active&flavor_id=x', 'ims', 'images', 'cloudimages'),
    ('architecture=arm', 'ims', 'images', 'cloudimages'),
    ('architecture=arm', 'glance', 'images', 'images'),
])
def test_calls(text, dialect, api, call):
    assert criteria.call_of(text, dialect, api) == call


# By hand: three of one's own, one public, four shared ones of somebody else.
HAND = [
    {'id': 'a', 'owner': 'me', 'visibility': 'private', 'created_at': '2020-01-03T00:00:00Z', 'name': 'z'},
    {'id': 'b', 'owner': 'me', 'visibility': 'shared', 'created_at': '2020-01-05T00:00:00Z', 'name': 'y',
     '__imagetype': 'shared'},
    {'id': 'c', 'owner': 'me', 'visibility': 'community', 'created_at': '2020-01-03T00:00:00Z', 'name': None},
    {'id': 'd', 'owner': 'it', 'visibility': 'public', 'protected': True, '__imagetype': 'gold', 'name': 'x',
     'created_at': '2020-01-01T00:00:00Z', '__isregistered': 'true'},
    {'id': 'e', 'owner': 'it', 'visibility': 'shared', '__imagetype': 'shared', 'created_at': '2019-01-01T00:00:00Z'},
    {'id': 'f', 'owner': 'it', 'visibility': 'shared', '__imagetype': 'shared', 'created_at': '2018-01-01T00:00:00Z'},
    {'id': 'g', 'owner': 'it', 'visibility': 'shared', '__imagetype': 'shared', 'created_at': '2017-01-01T00:00:00Z'},
    {'id': 'h', 'owner': 'it', 'visibility': 'shared', '__imagetype': 'shared', 'created_at': '2016-01-01T00:00:00Z'},
    {'id': 'i', 'owner': 'it', 'visibility': 'private', 'created_at': '2015-01-01T00:00:00Z'},
    {'id': 'j', 'owner': 'it', 'visibility': 'community', 'created_at': '2014-01-01T00:00:00Z'},
]
HAND_MEMBERS = {key: [{'member_id': 'you', 'status': 'accepted'}, {'member_id': 'me', 'status': status}]
                for key, status in (('e', 'accepted'), ('f', 'rejected'), ('g', 'pending'))}


@pytest.mark.offline
@pytest.mark.parametrize('text, ims, glance', [
    ('', 'bcade', 'bcade'),
    ('sort_dir=asc', 'edacb', 'edacb'),
    ('sort_key=name&sort_dir=asc', 'ecdba', 'ecdba'),
    ('limit=2', 'bc', 'bc'),
    ('limit=2&marker=c', 'ad', 'ad'),
    ('marker=c', 'ade', 'ade'),
    ('visibility=shared', 'be', 'be'),
    ('visibility=community', 'cj', 'cj'),
    ('member_status=pending&visibility=shared', 'g', 'bg'),
    ('member_status=rejected', 'cadf', 'bcadf'),
    ('protected=false', 'bcae', 'bcae'),
    ('created_at=gte:2020-01-03 00:00:00', 'bca', 'bca'),
])
def test_by_hand(text, ims, glance):
    for dialect, want in (('ims', ims), ('glance', glance)):
        service = criteria.Service(HAND, dialect, 'me', HAND_MEMBERS)
        assert ''.join(service.ids(text)) == want


@pytest.mark.offline
def test_cloudimages_are_registered_ones():
    service = criteria.Service(HAND, 'ims', 'me', HAND_MEMBERS)
    assert service.ids('', api='cloudimages') == ['d']
    assert service.ids('__isregistered=true', api='cloudimages') == ['d']
    assert service.ids('enterprise_project_id=0') == ['d']


@pytest.mark.offline
@pytest.mark.parametrize('name, ims, glance', [
    ('public', 'd', 'd'), ('private', 'bca', 'bca'), ('shared-accepted', 'e', 'be'), ('shared-rejected', 'f', 'bf'),
    ('shared-pending', 'g', 'g'),
])
def test_named_by_hand(name, ims, glance):
    for dialect, want in (('ims', ims), ('glance', glance)):
        assert ''.join(criteria.Service(HAND, dialect, 'me', HAND_MEMBERS).named(name)) == want


@pytest.mark.limit(120)
@pytest.mark.parametrize('dialect, api', [('ims', 'images'), ('ims', 'cloudimages'), ('glance', 'images')])
def test_simulator_agrees(sim, dialect, api):
    """Every criterion, sent by the test itself to the call that it belongs to."""
    service = sample(dialect)
    server = sim(json.dumps(service.data()).encode(), *(['--no-cloudimages'] if dialect == 'glance' else []))
    wrong = []
    for text in [''] + TAKEN[dialect]:
        call = criteria.call_of(text, dialect, api)
        pairs = criteria.parse(text) + ([] if 'limit=' in text else [('limit', '1000')])
        answer = server.get('/v2/%s?%s&harness=1' % (call, criteria.query_string(pairs)))
        found = [image['id'] for image in answer['images']]
        if found != service.ids(text, api):
            wrong.append((text, found, service.ids(text, api)))
    assert not wrong, '%d: %s' % (len(wrong), wrong[:3])


@pytest.mark.limit(180)
@pytest.mark.parametrize('column, dialect', [(1, 'ims'), (2, 'glance')])
def test_the_command_line_refuses_the_same(column, dialect, tmp_path):
    """-o query= is checked before anything is opened: status 2, or 1 because there is nothing to mount."""
    wrong = []
    for row in REFUSED:
        option = 'dialect=%s,query=mine:%s' % (dialect, row[0])
        done = subprocess.run([harness.IMSFS, '-o', option, tmp_path / 'no.json', tmp_path / 'no'],
                              capture_output=True, env=harness.environment(str(tmp_path / 'sanitizer')))
        if done.returncode != (2 if row[column] else 1) or done.stderr.count(b'\n') != 1:
            wrong.append((row, done.returncode, done.stderr))
    assert not wrong, wrong[:3]
