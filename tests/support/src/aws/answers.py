"""Answers of a peer against AWS's own service models, as botocore reads them.

    python answers.py SERVICE OPERATION ANSWER

botocore's parser passes over what it does not know, so that each element is also looked up in the model: one that is not
there, or whose text is not of the model's type, is what a peer says otherwise than AWS. What a peer is known to say so is in
`tests/fixtures/aws/said_otherwise.json`; anything else is a complaint.
"""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

import botocore.parsers
import botocore.session
import botocore.utils

# Beside an answer's own elements: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
OF_EVERY_ANSWER = {"ec2": {"requestId"}, "query": {"ResponseMetadata"}, "rest-xml": set()}
KNOWN = pathlib.Path(__file__).parents[3] / "fixtures/aws/said_otherwise.json"
TYPES = {"integer": r"-?\d+", "long": r"-?\d+", "boolean": "true|false", "blob": r"[A-Za-z0-9+/=\s]*"}


def known(peer):
    """What this peer is known to say otherwise than AWS."""
    return set(json.loads(KNOWN.read_text())[peer])


def local(node):
    return node.tag.rpartition("}")[2]


def violations(model, name, headers, body):
    """What an operation's successful answer says that its model does not know."""
    operation = model.operation_model(name)
    shape, protocol = operation.output_shape, model.protocol
    if operation.has_streaming_output or not body.strip():
        return []
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        # An answer without content, such as that of a deletion, may be whatever the peer's framework says.
        return [f"{name}: {error}"] if shape and members(shape) else []
    found = [] if shape is None else list(document(shape, root, name, protocol))
    try:
        parser = botocore.parsers.create_parser(protocol)
        parser.parse({"body": body, "headers": headers, "status_code": 200}, shape)
    except Exception as error:  # Whatever botocore raises is a complaint.
        found.append(f"{name}: botocore cannot read it: {error}")
    return sorted(set(found))


def members(shape):
    """The members that are in the document, by the name of their element."""
    found = {}
    for name, member in shape.members.items():
        if member.serialization.get("location") not in (None, "headers"):
            continue
        element = member.serialization.get("name", name)
        if member.type_name == "list" and member.serialization.get("flattened"):
            element = member.serialization.get("name") or member.member.serialization.get("name", name)
        found[element] = member
    return found


def document(shape, root, name, protocol):
    payload = shape.serialization.get("payload")
    if payload:
        if shape.members[payload].type_name == "structure":
            yield from structure(shape.members[payload], root, name, set())
        return
    if protocol != "rest-xml" and local(root) != f"{name}Response":
        yield f"{name}: the root is `{local(root)}`"
        return
    ignored = OF_EVERY_ANSWER[protocol]
    if protocol == "query" and shape.serialization.get("resultWrapper"):
        results = [child for child in root if local(child) == shape.serialization["resultWrapper"]]
        if len(results) != 1:
            yield f"{name}: there is no `{shape.serialization['resultWrapper']}`"
            return
        root, ignored = results[0], set()
    yield from structure(shape, root, name, ignored)


def structure(shape, node, place, ignored):
    known_members, seen = members(shape), set()
    for child in node:
        word = local(child)
        if word in ignored:
            continue
        member, here = known_members.get(word), f"{place}.{word}"
        if member is None:
            yield f"{here} is not in the model"
            continue
        if word in seen and not member.serialization.get("flattened"):
            yield f"{here} is there twice"
        seen.add(word)
        if member.type_name == "list":
            yield from entries(member, child, here)
        else:
            yield from value(member, child, here)
    for element, member in known_members.items():
        is_required = any(member is shape.members[name] for name in shape.required_members)
        if is_required and element not in seen and not member.serialization.get("flattened"):
            yield f"{place} lacks `{element}`"


def entries(shape, node, place):
    if shape.serialization.get("flattened"):
        yield from value(shape.member, node, place)
        return
    # botocore reads the entries of `ec2` and `query` whatever they are called, and they are called so in all of AWS's answers.
    names = {shape.member.serialization.get("name", "member"), "item"}
    for child in node:
        if local(child) not in names:
            yield f"{place}: an entry is called `{local(child)}`"
        else:
            yield from value(shape.member, child, place)


def value(shape, node, place):
    text = node.text or ""
    if shape.type_name == "structure":
        yield from structure(shape, node, place, set())
    elif shape.type_name == "list":
        yield from entries(shape, node, place)
    elif len(node):
        yield f"{place} has elements and is a {shape.type_name}"
    elif shape.type_name == "timestamp" and text:
        try:
            botocore.utils.parse_timestamp(text)
        except ValueError:
            yield f"{place} is no time"
    elif shape.type_name in ("double", "float"):
        if not re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text):
            yield f"{place} is no number"
    elif shape.type_name in TYPES and not re.fullmatch(TYPES[shape.type_name], text):
        yield f"{place} is no {shape.type_name}"
    elif text and getattr(shape, "enum", None) and text not in shape.enum:
        yield f"{place} is none of the model's words: {text}"


if __name__ == "__main__":
    service, operation, told = sys.argv[1:]
    print(*violations(botocore.session.get_session().get_service_model(service), operation, {}, told.encode()), sep="\n")
