"""moto, behind a check of every request against AWS's own service models, which botocore ships.

    python checked_moto.py PORT

A request that a model does not allow is answered with the code `ModelViolation` and never reaches moto, which takes much
that AWS does not: unknown parameters, missing ones, texts for numbers, words that no enumeration has.
"""

import io
import re
import sys
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import botocore.session
import rest_requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

session = botocore.session.get_session()
# By the version that a request names.
MODELS = {"2016-11-15": "ec2", "2015-12-01": "elbv2", "2010-05-08": "iam", "2011-06-15": "sts"}
models = {}


def model_of(version):
    if version not in models:
        models[version] = session.get_service_model(MODELS[version])
    return models[version]


def wire_name(shape, name, protocol):
    """What a member is called in a form: botocore's serializers for `ec2` and `query`."""
    if protocol == "ec2" and "queryName" in shape.serialization:
        return shape.serialization["queryName"]
    given = shape.serialization.get("name", name)
    return given[0].upper() + given[1:] if protocol == "ec2" else given


def element_of(shape, path, protocol):
    """Takes the index of a list off a path; answers it and the rest."""
    if protocol != "ec2" and not shape.serialization.get("flattened"):
        word, path = path[0], path[1:]
        expected = shape.member.serialization.get("name", "member")
        if word != expected:
            raise ValueError(f"`{word}` in place of `{expected}`")
    if not path or not path[0].isdigit() or path[0] == "0":
        raise ValueError("a list without an index from 1")
    return path[0], path[1:]


def grow(shape, tree, path, value, protocol):
    """Puts a value where its name says, along the model."""
    if shape.type_name == "structure":
        if not path:
            raise ValueError("a value in place of a structure")
        for name, member in shape.members.items():
            if wire_name(member, name, protocol) == path[0]:
                grow_into(member, tree, name, path[1:], value, protocol)
                return
        raise ValueError(f"there is no `{path[0]}`")
    index, rest = element_of(shape, path, protocol)
    grow_into(shape.member, tree, int(index), rest, value, protocol)


def grow_into(shape, tree, key, path, value, protocol):
    if shape.type_name in ("structure", "list"):
        grow(shape, tree.setdefault(key, {}), path, value, protocol)
        return
    if path:
        raise ValueError(f"something below a {shape.type_name}")
    if key in tree:
        raise ValueError("it is given twice")
    check_value(shape, value)
    tree[key] = value


def check_value(shape, value):
    kinds = {"integer": r"-?\d+", "long": r"-?\d+", "boolean": "true|false", "blob": r"[A-Za-z0-9+/=]*"}
    pattern = kinds.get(shape.type_name)
    if pattern and not re.fullmatch(pattern, value):
        raise ValueError(f"`{value}` is no {shape.type_name}")
    if getattr(shape, "enum", None) and value not in shape.enum:
        raise ValueError(f"`{value}` is none of {', '.join(shape.enum)}")


def complaints_about(shape, tree, place):
    """What is missing, and lists that do not count from 1."""
    if shape.type_name == "structure":
        for name in shape.required_members:
            if name not in tree:
                yield f"{place} lacks `{name}`"
        for name, part in tree.items():
            if isinstance(part, dict):
                yield from complaints_about(shape.members[name], part, f"{place}.{name}")
        return
    if sorted(tree) != list(range(1, len(tree) + 1)):
        yield f"{place} is counted {sorted(tree)}"
    for index, part in tree.items():
        if isinstance(part, dict):
            yield from complaints_about(shape.member, part, f"{place}.{index}")


def violations(body):
    """What a request does that its model does not allow."""
    fields = parse_qsl(body, keep_blank_values=True)
    form = dict(fields)
    if form.get("Version") not in MODELS or "Action" not in form:
        return []
    model, action = model_of(form["Version"]), form["Action"]
    if action not in model.operation_names:
        return [f"there is no action `{action}`"]
    shape, tree, found = model.operation_model(action).input_shape, {}, []
    for name, value in fields:
        if name in ("Action", "Version"):
            continue
        try:
            if shape is None:
                raise ValueError("the action takes nothing")
            grow(shape, tree, name.split("."), value, model.protocol)
        except ValueError as error:
            found.append(f"{action} {name}: {error}")
    return found + list(complaints_about(shape, tree, action)) if shape else found


def rest_violations(environ, body):
    """As `violations`, of a request to S3 or Route 53. boto3, which only looks on, makes its requests from the models."""
    path = environ.get("RAW_URI", environ["PATH_INFO"]).partition("?")[0]
    if path.startswith("/moto-api") or "Boto3" in environ.get("HTTP_USER_AGENT", ""):
        return []
    service = "route53" if path.startswith("/2013-04-01/") else "s3"
    if service not in models:
        models[service] = session.get_service_model(service)
    headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    return rest_requests.violations(
        models[service], environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, body
    )


class Checked:
    """Checks a request, and hands it on. The content of objects, which no model describes, is not read."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        kind, length = environ.get("CONTENT_TYPE", ""), int(environ.get("CONTENT_LENGTH") or 0)
        is_form = "form-urlencoded" in kind
        body = b"content" if length else b""
        if is_form or kind in ("application/xml", "application/json"):
            body = environ["wsgi.input"].read(length)
            environ["wsgi.input"] = io.BytesIO(body)
        found = violations(body.decode()) if is_form else rest_violations(environ, body)
        if not found:
            return self.application(environ, start_response)
        print("model violations:", *found, sep="\n  ", file=sys.stderr, flush=True)
        text = escape("; ".join(found))
        answer = (
            "<Response><Errors><Error><Code>ModelViolation</Code>"
            f"<Message>{text}</Message></Error></Errors><RequestID>checked</RequestID></Response>"
        )
        start_response("400 Bad Request", [("Content-Type", "text/xml")])
        return [answer.encode()]


if __name__ == "__main__":
    moto = DomainDispatcherApplication(create_backend_app)
    run_simple("127.0.0.1", int(sys.argv[1]), Checked(moto), threaded=True)
