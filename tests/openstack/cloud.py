# SPDX-License-Identifier: Apache-2.0
"""What the pair has in it: domains, projects, users, regions, and a few hundred images, most of them odd.

Names are what Glance accepts (image names of up to 255 characters of three bytes at most, property names and tags of
any kind). Each secret begins with CANARY, so that it is known wherever it should not be.
"""
import collections
import itertools
import random

import api

CANARY = 'canary-7c1e'
ADMIN_PASSWORD = CANARY + '-admin'
SERVICE_PASSWORD = CANARY + '-service'
TOTP_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'  # of RFC 6238, appendix B
ORDINARY = 150  # images with usual names

User = collections.namedtuple('User', 'name domain password project project_domain')
ADMIN = User('admin', 'Default', ADMIN_PASSWORD, 'admin', 'Default')
# What YAML, JSON and shells have their difficulties with.
OPS = User('ops', 'Default', CANARY + ' pa$$"w\\ö:#rd\' %41', 'ops', 'Default')
OTHER = User('other', 'Default', CANARY + '-other', 'other', 'Default')
TOTP = User('guard', 'Default', CANARY + '-guard', 'ops', 'Default')
# The same names in another domain are somebody else.
TWIN = User('ops', 'Werk Süd / 7', CANARY + '-twin', 'ops', 'Werk Süd / 7')
# May sign in to a project whose catalog has no image service.
BARE = OPS._replace(project='bare')

NAMES = ['', ' ', 'a/b', '..', '.', '/', 'a\nb', 'tab\there', '\x1b[31mred\x1b[0m', 'nul\0x', '\0', '\x7f\x85\x9f',
         '\ufeffbom', 'right \u202eto left', 'line\u2028break', 'ü' * 255, '語' * 255, 'x' * 255, '%41', '%', 'a@b',
         '@', 'image.json', '-rf', '--help', '~', '*', '$(touch x)', 'a\\b', '"quoted"', "it's", 'none',
         'Ubuntu 22.04', 'Ubuntu 22.04', 'Ubuntu 22.04', 'ubuntu 22.04', 'e\u0301', '\u00e9', ' trailing ', 'true',
         'null', '0', '\uffff', None]
PROPERTIES = [{'': 'empty'}, {'a/b': 'slash'}, {'..': 'dots'}, {'new\nline': 'x\ny\n'}, {'nul\0': '\0'},
              {'k' * 255: 'long'}, {'ключ': 'значение'}, {'empty': ''}, {'image.json': '{}'}, {'long': 'v' * 60000},
              {'os_distro': '../../etc'}, {'os_distro': 'a/b', '__imagetype': 'gold'},
              {'__platform': '', 'os_distro': 'debian'}, {'__imagetype': 'market'},
              {'__platform': 'Huawei Cloud EulerOS', '__os_type': 'Linux'},
              {'hw_disk_bus': 'scsi', 'hw_scsi_model': 'virtio-scsi', 'com.vendor__1__options': '0'},
              {'\x1b[2J': '\x1b[2J'}, {'%2F': '%00'}, {'number': '9223372036854775807'}, {'quote"': '\\"'},
              {'os_type': 'linux', 'OS_TYPE': 'Linux'}, {'\u202e': '\u2029'}, {'emoji': '\u2764'}]
TAGS = [[''], ['a/b', '..'], ['new\nline'], ['t' * 255], ['k=v=w', 'env=prod'], ['ü', '語'], ['\x1b[1m'], [' '],
        ['a', 'b', 'c', 'd', 'e'], ['nul\0']]


class Cloud:
    """Fills a pair. Afterwards: ids of what the tests name."""

    def __init__(self, pair):
        self.glance_root = pair.glance.root
        self.keystone = api.Keystone(pair.keystone.root)
        self.keystone.token = self.keystone.sign_in(ADMIN)
        self.make_identities()
        self.make_catalog()
        self.make_credentials()
        self.make_images()

    def make_identities(self):
        keystone = self.keystone
        self.domains = {'Default': 'default', TWIN.domain: keystone.make('domain', name=TWIN.domain)['id']}
        self.roles = {role['name']: role['id'] for role in keystone.call('GET', '/roles')['roles']}
        self.projects, self.users = {}, {}
        glance = User('glance', 'Default', SERVICE_PASSWORD, 'service', 'Default')
        for user in (OPS, OTHER, TOTP, TWIN, BARE, glance):
            self.make_user(user, 'admin' if user is glance else 'member')

    def make_user(self, user, role):
        """The user and the project, as far as they are not there, and the role."""
        key = user.project_domain, user.project
        if key not in self.projects:
            self.projects[key] = self.keystone.make(
                'project', name=user.project, domain_id=self.domains[user.project_domain])['id']
        name = user.domain, user.name
        if name not in self.users:
            self.users[name] = self.keystone.make('user', name=user.name, domain_id=self.domains[user.domain],
                                                  password=user.password)['id']
        self.keystone.call('PUT', '/projects/%s/users/%s/roles/%s' % (
            self.projects[key], self.users[name], self.roles[role]))

    def project_id(self, user):
        return self.projects[user.project_domain, user.project]

    def user_id(self, user):
        return self.users[user.domain, user.name]

    def make_catalog(self):
        """RegionOne is whole. In RegionTwo the public door of the image service is walled up, the internal one has
        /v2/ in its name. The project bare sees Keystone only."""
        keystone = self.keystone
        keystone.make('region', id='RegionTwo')
        image = keystone.make('service', name='glance', type='image')['id']
        for region, interface, url in (('RegionOne', 'public', self.glance_root),
                                       ('RegionOne', 'internal', self.glance_root),
                                       ('RegionOne', 'admin', self.glance_root),
                                       ('RegionTwo', 'public', 'http://127.0.0.1:1'),
                                       ('RegionTwo', 'internal', self.glance_root + '/v2/')):
            keystone.make('endpoint', service_id=image, region_id=region, interface=interface, url=url)
        for endpoint in keystone.call('GET', '/endpoints')['endpoints']:
            if endpoint['service_id'] != image:
                keystone.call('PUT', '/OS-EP-FILTER/projects/%s/endpoints/%s' % (
                    self.project_id(BARE), endpoint['id']))

    def make_credentials(self):
        """An application credential of ops, and the authenticator of the guard."""
        own = api.Keystone(self.keystone.root, self.keystone.sign_in(OPS))
        made = own.call('POST', '/users/%s/application_credentials' % self.user_id(OPS), {
            'application_credential': {'name': 'imsfs', 'secret': CANARY + '-application'}})['application_credential']
        self.credential_id, self.credential_secret = made['id'], made['secret']
        self.keystone.make('credential', type='totp', blob=TOTP_SECRET, user_id=self.user_id(TOTP))

    def make_images(self):
        tokens = {user: self.keystone.sign_in(user) for user in (ADMIN, OPS, OTHER, TWIN)}
        self.services = {user: api.Glance(self.glance_root, token) for user, token in tokens.items()}
        for plan in self.plans():  # one at a time: SQLite has one writer, and who waits for it sleeps
            self.make_image(*plan)

    def plans(self):
        """(owner, record, what is done to it) of each image."""
        visibilities = itertools.cycle(['shared', 'private', 'shared', 'community'])
        for name in NAMES:
            yield OPS, {'name': name, 'visibility': next(visibilities)}, ()
        for i, properties in enumerate(PROPERTIES):
            yield OPS, {'name': 'property %d' % i, **properties}, ('data',) if i % 3 == 0 else ()
        for i, tags in enumerate(TAGS):
            yield OPS, {'name': 'tag %d' % i, 'tags': tags}, ()
        yield from self.plans_of_states()
        yield from self.plans_between_projects()
        yield from ordinary_plans()

    def plans_of_states(self):
        yield OPS, {'name': 'hidden', 'os_hidden': True}, ()
        yield OPS, {'name': 'protected', 'protected': True}, ('data',)
        yield OPS, {'name': 'upper case', 'id': 'ABCDEF01-2345-6789-ABCD-EF0123456789'}, ()
        yield OPS, {'name': 'lower case', 'id': 'abcdef01-2345-6789-abcd-ef0123456789'}, ()
        yield OPS, {'name': 'min', 'min_ram': 2147483647, 'min_disk': 40}, ()
        for i in range(4):
            yield OPS, {'name': 'deactivated %d' % i}, ('data', 'deactivate')

    def plans_between_projects(self):
        """What others offer, in every state; most of it must not be seen without asking."""
        for i in range(8):
            yield ADMIN, {'name': 'public %d' % i, 'visibility': 'public'}, ('data',)
            yield OTHER, {'name': 'stranger %d' % i, 'visibility': 'community' if i % 2 else 'private'}, ()
        yield ADMIN, {'name': 'public hidden', 'visibility': 'public', 'os_hidden': True}, ()
        for state in ('accepted', 'rejected', 'pending'):
            for i in range(4):
                yield OTHER, {'name': '%s by ops %d' % (state, i), 'visibility': 'shared'}, (('member', OPS, state),)
                yield OPS, {'name': '%s by other %d' % (state, i), 'visibility': 'shared'}, (('member', OTHER, state),)
        yield TWIN, {'name': 'for ops', 'visibility': 'shared'}, (('member', OPS, 'accepted'),)
        yield TWIN, {'name': 'own of the other domain'}, ()

    def make_image(self, owner, record, actions):
        formats = {'disk_format': 'qcow2', 'container_format': 'bare'}
        service = self.services[owner]
        id = service.call('POST', '/images', {**formats, **record})['id']
        for action in actions:
            if action == 'data':
                service.call('PUT', '/images/%s/file' % id, b'QFI\xfb' + id.encode(), kind='application/octet-stream')
            elif action == 'deactivate':
                self.services[ADMIN].call('POST', '/images/%s/actions/deactivate' % id)
            else:
                self.share(service, id, *action[1:])

    def share(self, service, id, user, state):
        project = self.project_id(user)
        service.call('POST', '/images/%s/members' % id, {'member': project})
        if state != 'pending':
            self.services[user].call('PUT', '/images/%s/members/%s' % (id, project), {'status': state})


def ordinary_plans():
    """Names as operators give them, some of them more than once."""
    choice = random.Random(3).choice
    for i in range(ORDINARY):
        distribution, version = choice(['ubuntu', 'debian', 'rocky']), choice(['8', '9', '11', '12', '22.04'])
        yield OPS, {'name': '%s-%s-%03d' % (distribution, version, i // 2), 'os_distro': distribution,
                    'os_version': version, 'architecture': choice(['x86_64', 'aarch64']),
                    'visibility': choice(['private', 'shared']), 'min_disk': choice([0, 10, 20]),
                    'tags': choice([[], ['golden'], ['build=%d' % i, 'golden']])}, ('data',) if i % 10 == 0 else ()
