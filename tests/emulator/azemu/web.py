# SPDX-License-Identifier: Apache-2.0
"""What every service of the emulator is written against: one request, one
response.  A service is an object with handle(Request) -> Response."""

import json


def compact(value):
    """JSON as the Azure services write it: no blanks, order as given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Request:
    """One HTTP request.  path has no query and is not decoded; query is a
    list of percent-decoded (name, value) pairs in the order sent."""

    def __init__(self, method, path, query=(), headers=(), body=b"",
                 service="", host="", peer=""):
        self.method = method
        self.path = path
        self.query = list(query)
        self.headers = list(headers)
        self.body = body
        self.service = service
        self.host = host
        self.peer = peer
        self.mutate = None      # name of a hostile variant, see faults.py

    def header(self, name):
        """First value of the header, or None; names are case-insensitive."""
        name = name.lower()
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None

    def param(self, name):
        """First value of the query parameter, or None."""
        for key, value in self.query:
            if key == name:
                return value
        return None

    def json(self):
        """The body as a JSON value; raises ValueError."""
        return json.loads(self.body.decode("utf-8"))


class Response:
    """One HTTP answer; a dict or list as body becomes compact JSON."""

    def __init__(self, status, body=b"", headers=None):
        self.status = status
        self.headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = compact(body)
            self.headers.setdefault("Content-Type",
                                    "application/json; charset=utf-8")
        elif isinstance(body, str):
            body = body.encode()
        self.body = body

    def json(self):
        """The body as a JSON value (for tests)."""
        return json.loads(self.body)
