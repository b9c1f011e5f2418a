# SPDX-License-Identifier: Apache-2.0
"""Plays one row of the table: a mount and a server of its own, a hostile answer, then a good one.

Cold, the hostile answer is the first one that comes; warm, there is a good list, and SIGHUP has it renewed. What is
looked at is the same: what readers get, in which time, what is logged, how many requests it took, what it left behind
in memory and descriptors, whether a secret can be seen, and that the next good list is shown.
"""
import collections
import functools
import json
import os
import re
import signal
import ssl
import time

import canary
import case as table
import certificates
import harness
import rawserver
import reference

# What a sanitizer keeps of freed memory would look as if it stayed.
ENVIRONMENT = {'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') +
               ':quarantine_size_mb=1:thread_local_quarantine_size_kb=64:allocator_release_to_os_interval_ms=100'}
# Seconds for what comes of itself, and what a busy machine may add to a time: one look at status.json has taken 1.5 s
# on one. What hangs takes for ever.
PATIENCE = 4 * harness.SLACK
SOCKETS_MAX = 5  # more than at rest: connections that may be used again
PLAIN = re.compile(r'[ -~\n]*')


tree_of = functools.lru_cache(maxsize=32)(reference.build)


class Wrong(AssertionError):
    pass


def expect(condition, text, *arguments):
    if not condition:
        raise Wrong(text % arguments if arguments else text)


def scripted(script):
    """Any form of a script as a handler."""
    if isinstance(script, rawserver.Reply):
        return lambda request, n: script
    if isinstance(script, list):
        return lambda request, n: script[min(n, len(script)) - 1]
    return script


class Stage:
    """The server, and which answers it gives now."""

    def __init__(self, case):
        self.case = case
        self.certificates = certificates.shared() if case.tls else None
        self.hostile = None
        self.list = 0      # the number of the good list
        self.token = 1     # of the token that is good
        self.asked = []    # for pages, since the last turn
        self.server = rawserver.RawServer(self.answer)

    def be_good(self):
        self.list += 1
        self.token += self.case.sign_in not in (None, True)
        self.hostile = None
        self.turn(None, 'good')

    def be_hostile(self):
        self.token += self.case.sign_in not in (None, True)  # whoever signs in does so again
        self.hostile = scripted(self.case.script or table.good_reply(self.list + 1))
        self.turn(self.case.greeting, self.case.tls)

    def turn(self, greeting, certificate):
        self.asked = []
        self.server.greeting = greeting
        if self.certificates:
            self.server.tls = self.context(certificate)
        self.server.hang_up()

    def context(self, certificate):
        """OLD is a server that knows nothing newer than TLS 1.1."""
        made = certificates.context(self.certificates, 'good' if certificate == table.OLD else certificate)
        if certificate == table.OLD:
            made.set_ciphers('ALL:@SECLEVEL=0')
            made.minimum_version, made.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        if self.case.alpn:
            made.set_alpn_protocols(['h2', 'http/1.1'])
        return made

    def answer(self, request, n):
        if request.path.endswith('/auth/tokens'):
            return self.sign_in(request)
        wanted = '%s-%d' % (harness.ISSUED_TOKEN, self.token)
        if self.case.sign_in and request.headers.get('x-auth-token') != wanted:
            return rawserver.error(401)
        self.asked.append(request)
        if self.hostile:
            reply = self.hostile(request, len(self.asked))
            self.token += reply.status == 401
            return reply
        return table.good_reply(self.list)

    def sign_in(self, request):
        if self.hostile and self.case.sign_in is not True:
            return scripted(self.case.sign_in)(request, 1)
        return signed_in(self.server.url, '%s-%d' % (harness.ISSUED_TOKEN, self.token))


def signed_in(url, token, **changes):
    """What Keystone says to a good password; changes: of the token's members."""
    entry = {'type': 'image', 'endpoints': [{'interface': 'public', 'region_id': 'R', 'url': url}]}
    body = {'methods': ['password'], 'expires_at': '2099-01-01T00:00:00Z', 'issued_at': '2026-01-01T00:00:00Z',
            'project': {'id': 'p', 'name': 'p', 'domain': {'id': 'default', 'name': 'Default'}}, 'catalog': [entry],
            'user': {'id': 'u', 'name': 'u', 'domain': {'id': 'default', 'name': 'Default'}}}
    body.update(changes)
    return rawserver.Reply(json.dumps({'token': body}).encode(), 201, (('X-Subject-Token', token),))


class Player:
    def __init__(self, run, work):
        work.mkdir()
        case = run.case
        self.case = case
        self.stage = Stage(case)
        for name, text in case.files.items():
            (work / name).write_text(text)
            (work / name).chmod(0o600)
        server = self.stage.server
        url = (case.source or ('https' if case.tls else 'http') + '://127.0.0.1:{port}').format(port=server.port)
        env = {**table.SECRETS, **ENVIRONMENT, 'HOME': str(work), 'no_proxy': None, **case.env}
        if case.tls:
            env['OS_CACERT'] = str(self.stage.certificates / 'ca.pem')
        if case.sign_in:
            env.update(OS_TOKEN=None, OS_AUTH_URL=url + '/v3', OS_USERNAME='u', OS_PASSWORD=harness.PASSWORD,
                       OS_PROJECT_NAME='p', OS_USER_DOMAIN_NAME='Default', OS_PROJECT_DOMAIN_NAME='Default')
        self.mount = harness.Mount(work, None if case.sign_in else url, 'lazy', 'ttl=600', 'timeout=3', *case.options,
                                   env=env)

    # --- What can be seen from outside ---

    @property
    def process(self):
        return '/proc/%d/' % self.mount.process.pid

    def memory(self, what):
        with open(self.process + 'status') as file:
            return int(re.search(what + r':\s+(\d+) kB', file.read())[1]) << 10

    def descriptors(self):
        """(files and so on, each with its number; how many sockets)"""
        links = harness.descriptors(self.mount.process.pid)
        files = collections.Counter(link for link in links if not link.startswith('socket:'))
        return files, len(links) - files.total()

    def news(self):
        """What was logged since the stage turned hostile."""
        return self.mount.stderr()[self.logged:]

    # --- The play ---

    def play(self, warm):
        case = self.case
        self.stage.be_good() if warm else self.stage.be_hostile()
        self.mount.start()
        if warm:
            self.see_good()
        self.before = self.memory('VmRSS'), self.descriptors()
        self.logged = len(self.mount.stderr())
        if warm:
            self.stage.be_hostile()
        took = self.renew() if warm else self.first_look()
        self.check_time(took)
        self.check_what_came(warm)
        self.stage.be_good()
        self.mount.signal(signal.SIGHUP)
        if case.held and self.found != 'OK':
            self.see_that_it_is_held()
        elif not case.never:
            self.see_good()
        self.check_what_stays()

    def first_look(self):
        start = time.monotonic()
        self.found = harness.error_of(os.listdir, self.mount.path('by-id'))
        return time.monotonic() - start

    def renew(self):
        """SIGHUP, until it has come to something."""
        before = self.mount.status()
        start = time.monotonic()
        self.mount.signal(signal.SIGHUP)

        def done():
            now = self.mount.status()
            return not now['listing_now'] and any(now[name] != before[name]
                                                  for name in ('lists_published', 'last_error_at'))
        came = harness.wait_for(done, self.case.within + PATIENCE)
        expect(came, 'SIGHUP has come to nothing: %s', self.mount.status())
        took = time.monotonic() - start
        self.found = 'stale' if self.mount.status()['failing'] else 'OK'
        return took

    def check_time(self, took):
        case = self.case
        expect(case.after <= took + 0.05, 'it took %.2f s only', took)
        expect(took <= case.within + PATIENCE, 'it took %.2f s', took)
        count = len(self.stage.asked)
        expect(case.requests[0] <= count <= case.requests[1], '%d requests', count)

    def check_what_came(self, warm):
        case = self.case
        wanted = (case.warm or re.sub('E[A-Z]+', 'stale', case.cold)) if warm else case.cold
        expect(re.fullmatch(wanted, self.found), 'found %s, not %s: %s', self.found, wanted,
               self.mount.status()['last_error'])
        if self.found == 'stale':
            self.compare(table.good(self.stage.list))
        elif self.found == 'OK':
            self.check_shown()
        self.check_log()

    def check_shown(self):
        case, status = self.case, self.mount.status()
        expect(status['skipped'] == case.skipped, '%d records were skipped', status['skipped'])
        if case.names is not None:
            same = harness.wait_for(lambda: self.mount.list('by-id') == sorted(case.names), PATIENCE)
            expect(same, 'by-id has %.200r', self.mount.list('by-id'))
        else:
            self.compare(case.shown if case.shown is not None else case.script.body)

    def differences(self, text):
        """Lines that tell where the tree is another one than that of these records."""
        try:
            return harness.differences(tree_of(text), harness.snapshot(self.mount.point))
        except OSError as error:  # what was listed may have moved meanwhile
            return [str(error)]

    def compare(self, text):
        if not harness.wait_for(lambda: self.differences(text) == [], PATIENCE):
            lines = self.differences(text)
            expect(not lines, 'the tree is another one: %s', lines)

    def check_log(self):
        case, failed = self.case, self.found != 'OK'
        log = case.log or ''

        def complete():
            error = self.mount.status()['last_error']
            return re.search(log, self.news()) and (not failed or (error and error in self.news()))
        harness.wait_for(complete, PATIENCE)  # readers are told first
        text, error = self.news(), self.mount.status()['last_error']
        expect(PLAIN.fullmatch(text), 'the log is not plain: %r', text)
        expect(re.search(log, text), 'the log does not say %r: %.600r', log, text)
        expect(text.count('\n') <= 3, 'the log says too much: %.2000r', text)
        if failed:
            expect(error and error in text, 'the log lacks the error %r: %.600r', error, text)
        else:
            expect(case.log is not None or not text, 'the log says something: %.600r', text)

    def see_that_it_is_held(self):
        """Nothing is sent, and everybody is told until when."""
        before = len(self.stage.server.requests)
        told = harness.wait_for(lambda: 'the next try is in' in self.mount.status()['last_error'], PATIENCE)
        expect(told, 'nobody says that it is held: %s', self.mount.status()['last_error'])
        expect(len(self.stage.server.requests) == before, 'it was asked again')

    def see_good(self):
        text = table.good(self.stage.list)
        if not harness.wait_for(lambda: self.differences(text) == [], PATIENCE, 0.05):
            expect(False, 'no good list: %s; %s', self.mount.status()['last_error'], self.differences(text))

    def check_what_stays(self):
        memory, (files, sockets) = self.before
        now = harness.wait_for(lambda: self.memory('VmRSS') < memory + self.case.memory, PATIENCE, 0.1)
        expect(now, 'memory was %d MB and is %d MB', memory >> 20, self.memory('VmRSS') >> 20)
        peak = self.memory('VmHWM')
        expect(peak < self.case.peak, 'at most %d MB were in use', peak >> 20)
        harness.wait_for(lambda: not self.descriptors()[0] - files, PATIENCE)
        files_now, sockets_now = self.descriptors()
        expect(not files_now - files, 'descriptors that were not there: %s', files_now - files)
        expect(sockets_now <= sockets + SOCKETS_MAX, '%d sockets, now %d', sockets, sockets_now)
        places = [place for path in ('stderr', 'mnt/.imsfs/status.json')
                  for place in canary.in_file(os.path.join(self.mount.work, path))]
        expect(not places, 'secrets: %s', places)

    def end(self):
        clean = self.mount.stop()
        self.stage.server.close()
        expect(not self.mount.reports(), '%s', self.mount.reports())
        expect(not self.mount.leaks, 'secrets can be seen: %s', self.mount.leaks)
        expect(clean, 'SIGTERM left something')


def play(run, work):
    player = Player(run, work)
    try:
        player.play(run.warm)
    finally:
        player.end()
