# SPDX-License-Identifier: Apache-2.0
"""Where a request may go, and whom it may trust: threats 4, 35 to 38."""
import foreign
from case import OLD, Case, over
from rawserver import HANG, RESET, Reply

OWN = '/v2/images?marker=x'
TARGETS = {
    'the foreign host': foreign.HOST.url + '/v2/images',
    'the foreign host without a scheme': '//%s/v2/images' % foreign.HOST.address,
    'itself': OWN,
    'a file': 'file:///etc/passwd',
    'ftp': 'ftp://%s/images' % foreign.HOST.address,
    'a user of the foreign host': 'http://user:word@%s/' % foreign.HOST.address,
}
VARIABLES = ('http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY')
PROXIES = {name: foreign.HOST.url for name in VARIABLES}


def redirect(status, target):
    return Reply(b'<html>moved</html>', status, (('Location', target),))


def refused(name, certificate, log, **more):
    return Case(name, 35, None, cold='EHOSTUNREACH', tls=certificate, log=log, requests=(0, 0), **more)


def met(name, greeting, cold, log, **more):
    return Case(name, 37, None, cold=cold, greeting=greeting, log=log, requests=(0, 0), **more)


CASES = [Case('%d to the foreign host' % status, 4, redirect(status, TARGETS['the foreign host']),
              log='HTTP %d.*redirects are never followed' % status) for status in (301, 302, 303, 307, 308)]
CASES += [Case('302 to ' + name, 4, redirect(302, target), log='redirects are never followed')
          for name, target in TARGETS.items() if name != 'the foreign host']
CASES += [
    Case('300 with a list of versions', 4, Reply(b'{"versions": []}', 300, (('Location', foreign.HOST.url),)),
         log='HTTP 300'),
    Case('302 on the second page', 4,
         [Reply(b'{"images": [{"id": "a"}], "next": "/v2/images?marker=a"}'),
          redirect(302, TARGETS['the foreign host'])], log='redirects are never followed', requests=(2, 2)),
    Case('200 with a Location and a Refresh', 4,
         Reply(b'{"images": []}', 200, (('Location', foreign.HOST.url), ('Refresh', '0; url=' + foreign.HOST.url))),
         cold='OK'),
    Case('Alt-Svc and Link to the foreign host', 4,
         Reply(b'{"images": []}', 200,
               (('Alt-Svc', 'h2="%s"' % foreign.HOST.address), ('Link', '<%s>; rel=next' % foreign.HOST.url))),
         cold='OK'),

    refused('self-signed', 'self', 'self-signed certificate'),
    refused('signed by a stranger', 'stranger', 'unable to get local issuer certificate'),
    refused('expired', 'expired', 'certificate has expired'),
    refused('of another host', 'elsewhere', "target host name '127.0.0.1'"),
    refused('TLS 1.1 at most', OLD, 'no answer'),
    Case('no TLS on a port where it was', 35, None, cold='EHOSTUNREACH', tls='good', requests=(0, 0),
         greeting=(b'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n',), log='no answer'),
    Case('garbage as a handshake', 35, None, cold='EHOSTUNREACH', tls='good', requests=(0, 0),
         greeting=(b'\x16\x03\x03\xff\xff' + b'\0' * 200,), log='no answer'),
    Case('silence as a handshake', 35, None, cold='ETIMEDOUT', tls='good', requests=(0, 0), greeting=(HANG,),
         options=('timeout=1',), after=0.9, log='no answer'),

    Case('no such host', 36, None, cold='EHOSTUNREACH|ETIMEDOUT', source='http://no-such-host.invalid:{port}',
         requests=(0, 0), log='no answer', env={'OS_TOKEN': None}, never=True),
    Case('a host whose first address nobody has', 36, Reply(b'{"images": []}'), cold='OK',
         source='http://localhost:{port}'),

    met('another service speaks first', (b'220 mail.example.com ESMTP\r\n', HANG), 'EIO', 'no answer'),
    met('closes at once', (), 'EIO', 'no answer'),
    met('resets at once', (RESET,), 'EIO|EHOSTUNREACH', 'no answer'),
    met('accepts and says nothing', (HANG,), 'ETIMEDOUT', 'no answer', options=('timeout=1',), after=0.9),
    # libcurl looks whether it is HTTP only when it has less than 100 KiB of a line.
    met('a megabyte without a line break', (b'x' * (1 << 20), HANG), 'EIO',
        'no answer|' + over('max_header_bytes', 64 << 10)),

    Case('proxy variables', 38, Reply(b'{"images": []}'), cold='OK', env=PROXIES),
    Case('proxy variables and TLS', 38, Reply(b'{"images": []}'), cold='OK', env=PROXIES, tls='good'),
    Case('.netrc and .curlrc', 38, Reply(b'{"images": []}'), cold='OK',
         files={'.netrc': 'machine 127.0.0.1 login somebody password secret\n',
                '.curlrc': 'proxy = %s\nlocation\n' % foreign.HOST.url}),
]
