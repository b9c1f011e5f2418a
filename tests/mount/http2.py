# SPDX-License-Identifier: Apache-2.0
"""The server's side of HTTP/2 for rawserver, over a connection that is secured and has agreed on it.

A Reply stands for headers and body as it does with HTTP/1.1 (hang, cut and stall included); besides, its script may be
one of the steps GOAWAY, GOAWAY_BEFORE, REFUSE, CANCEL and GARBAGE.
"""
import socket
import time

GOAWAY = 'answers, and says that it ends the connection'
GOAWAY_BEFORE = 'ends the connection and leaves this request out'
REFUSE = 'resets the stream before anything was done'
CANCEL = 'resets the stream in the middle of the body'
GARBAGE = 'what is no frame'
WINDOW = 16384


def serve(connection, take, closing):
    """take(request) gives the Reply. closing is set when the server ends."""
    import h2.config
    import h2.connection
    import h2.events
    speaker = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding='utf-8'))
    speaker.initiate_connection()
    connection.sendall(speaker.data_to_send())
    connection.settimeout(0.2)
    while not closing.is_set():
        try:
            data = connection.recv(65536)
        except (TimeoutError, socket.timeout):
            continue
        if not data:
            return
        for event in speaker.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                if not answer(connection, speaker, event, take):
                    return
        connection.sendall(speaker.data_to_send())


def answer(connection, speaker, event, take):
    """False: that was the last request of the connection."""
    from rawserver import Request
    fields = dict(event.headers)
    named = {name: value for name, value in fields.items() if not name.startswith(':')}
    reply = take(Request(fields[':method'], fields[':path'], named, time.monotonic()))
    step = reply.script[0] if reply.script else None
    if step == GARBAGE:
        connection.sendall(b'\xff' * 100)
        return False
    if step == GOAWAY_BEFORE:
        speaker.close_connection(last_stream_id=0)
        connection.sendall(speaker.data_to_send())
        return False
    if step == REFUSE:
        speaker.reset_stream(event.stream_id, error_code=7)
        return True
    if not reply.hang:
        send(speaker, event.stream_id, reply, step)
    if step == GOAWAY:
        speaker.close_connection(last_stream_id=event.stream_id)
    connection.sendall(speaker.data_to_send())
    return step != GOAWAY and reply.cut is None


def send(speaker, stream, reply, step):
    """Headers and body, which fits the client's first window."""
    part = reply.cut if reply.cut is not None else reply.stall
    headers = [(':status', str(reply.status)), ('content-type', 'application/json')]
    headers += [('content-length', str(len(reply.body)))]
    speaker.send_headers(stream, headers + [(name.lower(), value) for name, value in reply.headers])
    body = reply.body[:len(reply.body) // 2 if step == CANCEL else part]
    for i in range(0, len(body), WINDOW):
        speaker.send_data(stream, body[i:i + WINDOW])
    if step == CANCEL:
        speaker.reset_stream(stream, error_code=8)
    elif part is None:
        speaker.end_stream(stream)
