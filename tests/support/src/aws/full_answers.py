"""A server that answers every action with everything that its model knows: each element once, each list with one entry.

    python full_answers.py PORT

It keeps nothing and has no pages. Whoever reads it whole reads every element where the models have it.
"""

import sys
from xml.sax.saxutils import escape

import answers
import checks
from werkzeug.serving import run_simple

# Elements that say how to go on; there is no other page.
OF_PAGES = ("NextToken", "NextMarker", "ContinuationToken", "NextContinuationToken", "NextRecordName", "NextRecordType")
# Texts that mean something to a reader. All others are their elements' names.
TEXTS = {
    "key": "Name",
    "value": "named",
    "cidrBlock": "10.0.0.0/16",
    "cidrIp": "10.0.0.0/8",
    "cidrIpv6": "2001:db8::/32",
    "ipProtocol": "tcp",
    "name": "named",
    "rootDeviceName": "deviceName",
    "timestamp": "2026-01-02T03:04:05.000Z",
    "integer": "7",
    "long": "7",
    "double": "7.0",
    "float": "7.0",
    "boolean": "true",
    "blob": "Ynl0ZXM=",
}


def filled(element, shape, protocol, within, text=None):
    """An element with everything in it, but for what is in itself; a text is that, or the element's name."""
    if shape.name in within or element[0].upper() + element[1:] in OF_PAGES:
        return ""
    inside = (*within, shape.name)
    if shape.type_name == "structure":
        return f"<{element}>{parts(shape, protocol, inside)}</{element}>"
    if shape.type_name == "list":
        if shape.serialization.get("flattened"):
            return filled(element, shape.member, protocol, inside)
        entry = "item" if protocol == "ec2" else shape.member.serialization.get("name", "member")
        return f"<{element}>{filled(entry, shape.member, protocol, inside, element.removesuffix('s'))}</{element}>"
    if shape.type_name == "map":
        return ""
    if element == "IsTruncated":
        return "<IsTruncated>false</IsTruncated>"
    words = getattr(shape, "enum", None)
    known = TEXTS.get(shape.type_name) or (words and words[0]) or TEXTS.get(element) or text or element
    return f"<{element}>{escape(known)}</{element}>"


def parts(shape, protocol, within=()):
    return "".join(filled(element, member, protocol, within) for element, member in answers.members(shape).items())


def document(model, name):
    """The answer of an operation."""
    shape, protocol = model.operation_model(name).output_shape, model.protocol
    if protocol == "rest-xml":
        root = shape.serialization.get("name") or {"ListObjectsV2": "ListBucketResult", "ListBuckets": "ListAllMyBucketsResult"}.get(name)
        return f"<{root or name + 'Response'}>{parts(shape, protocol) if shape else ''}</{root or name + 'Response'}>"
    inner = parts(shape, protocol) if shape else ""
    wrapper = shape is not None and shape.serialization.get("resultWrapper")
    return f"<{name}Response>{f'<{wrapper}>{inner}</{wrapper}>' if wrapper else inner}</{name}Response>"


def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    path = environ.get("RAW_URI", environ["PATH_INFO"]).partition("?")[0]
    headers = {"content-type": environ.get("CONTENT_TYPE", "")}
    exchange = checks.Exchange(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, body)
    answer = document(exchange.model, exchange.operation).encode()
    found = exchange.violations or exchange.judge(200, {}, answer, ())
    start_response("400 Bad Request" if found else "200 OK", [("Content-Type", "text/xml")])
    return [checks.refusal(found) if found else answer]


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True)
