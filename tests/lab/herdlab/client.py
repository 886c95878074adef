"""Asking an agent over HTTP, from inside a network namespace or from here."""

import contextlib
import http.client
import json
import socket

from .network import entered


class Reply:
    """What an agent answered: `status`, `text`, and `json` where the body is JSON."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.text = body.decode("utf-8", errors="replace")

    @property
    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"<{self.status} {self.text[:2000]}>"


class _Connection(http.client.HTTPConnection):
    def __init__(self, address, port, namespace, timeout, tls):
        super().__init__(address, port, timeout=timeout)
        self._namespace = namespace
        self._tls = tls

    def connect(self):
        self.sock = open_socket(self.host, self.port, self._namespace, self.timeout)
        if self._tls:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)


def open_socket(address, port, namespace=None, timeout=30):
    """A TCP connection made inside `namespace`; it stays there."""
    with entered(namespace) if namespace else contextlib.nullcontext():
        return socket.create_connection((address, port), timeout=timeout)


def request(address, port, method="GET", target="/", body=None, headers=None, namespace=None,
            timeout=30, tls=None):
    """`tls` is an ssl.SSLContext; none is plain HTTP."""
    connection = _Connection(address, port, namespace, timeout, tls)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()
