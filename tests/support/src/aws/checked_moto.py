"""moto, between a check of every request and one of every answer against AWS's own service models, which botocore ships.

    python checked_moto.py PORT

A request that a model does not allow is answered with the code `ModelViolation` and never reaches moto, which takes much
that AWS does not: unknown parameters, missing ones, texts for numbers, words that no enumeration has. An answer that says what
no model knows, and is not known to, is replaced by one with that code too.
"""

import io
import sys

import answers
import checks
from disk_import import DiskImport
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple


class Checked:
    """Checks a request, hands it on, and checks the answer. The content of objects, which no model describes, is not read."""

    def __init__(self, application):
        self.application = application
        self.known = answers.known("moto")

    def __call__(self, environ, start_response):
        kind, length = environ.get("CONTENT_TYPE", ""), int(environ.get("CONTENT_LENGTH") or 0)
        body = b"content" if length else b""
        if checks.has_text(kind):
            body = environ["wsgi.input"].read(length)
            environ["wsgi.input"] = io.BytesIO(body)
        headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        headers["content-type"] = kind
        path = environ.get("RAW_URI", environ["PATH_INFO"]).partition("?")[0]
        exchange = checks.Exchange(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, body)
        if exchange.violations:
            return self.refuse(exchange.violations, start_response)
        if not exchange.is_described():
            return self.application(environ, start_response)
        given = []
        parts = self.application(environ, lambda status, headers, *_: given.append((status, headers)))
        answer = b"".join(parts)
        status, answered = given[-1]
        found = exchange.judge(int(status.split()[0]), {name.lower(): value for name, value in answered}, answer, self.known)
        if found:
            return self.refuse(found, start_response)
        start_response(status, answered)
        return [answer]

    @staticmethod
    def refuse(found, start_response):
        print("model violations:", *found, sep="\n  ", file=sys.stderr, flush=True)
        start_response("400 Bad Request", [("Content-Type", "text/xml")])
        return [checks.refusal(found)]


if __name__ == "__main__":
    moto = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", int(sys.argv[1]), Checked(DiskImport(moto)), threaded=True)
