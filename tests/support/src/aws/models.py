"""Asks AWS's own service models, which botocore ships, about what a program reads of answers.

    python models.py READS

READS is a JSON file. In `reads`: services, their operations, and of each operation the elements that are read, one in
another; the entries of lists have no word of their own. In `tokens`: actions of EC2 that are sent with a client token, and
the most characters of one. In `readers`: how elements are read, and the names of those that are read so somewhere. In `objects`: actions that import disks, and where each names the object in S3 that it takes.
What no model has is printed, a line each.
"""

import json
import sys

import botocore.session
from answers import members

# What an element is that is read so.
SCALARS = {"string", "integer", "long", "boolean", "timestamp", "blob", "double", "float"}
READERS = {
    "string": SCALARS,
    "text": SCALARS,
    "number": {"integer", "long"},
    "boolean": {"boolean"},
    # Whether it is there may be all that is asked.
    "child": {"structure", "list", *SCALARS},
    "children": {"structure", "list"},
    "set": {"list"},
}
# The types that elements of a name have, wherever they are read.
types = {}

session = botocore.session.get_session()


def entry_name(shape):
    return shape.member.serialization.get("name", "member")


def complaints(shape, reads, place, protocol):
    """What is read that is not there."""
    while shape.type_name == "list":
        # Read as `item` or `member`, or by a name that is listed.
        name = entry_name(shape)
        if protocol == "rest-xml" and not shape.serialization.get("flattened"):
            if set(reads) != {name}:
                yield f"{place}: its entries are `{name}`, not {sorted(reads)}"
                return
            reads, place = reads[name], f"{place}.{name}"
            types.setdefault(name, set()).add(shape.member.type_name)
        elif protocol != "rest-xml" and name not in ("item", "member"):
            yield f"{place}: its entries are `{name}`"
            return
        shape = shape.member
    if shape.type_name != "structure":
        if reads:
            yield f"{place} is a {shape.type_name} and has no {sorted(reads)}"
        return
    known = members(shape)
    for element, inner in reads.items():
        if element not in known:
            yield f"{place}: there is no `{element}`; there are {', '.join(sorted(known))}"
        else:
            types.setdefault(element, set()).add(known[element].type_name)
            yield from complaints(known[element], inner, f"{place}.{element}", protocol)


def output_of(operation):
    """The structure that an answer's document is."""
    shape = operation.output_shape
    payload = shape and shape.serialization.get("payload")
    return shape.members[payload] if payload else shape


def token_complaints(operation, longest):
    """Whether the action takes a token by which it knows a repetition, and one so long."""
    token = operation.input_shape.members.get("ClientToken")
    # Where the model does not mark it, the words of its documentation say so.
    if token is None or not (token.metadata.get("idempotencyToken") or "idempotency" in token.documentation):
        yield f"{operation.name} knows no repetition by `ClientToken`"
    elif longest > token.metadata.get("max", longest):
        yield f"{operation.name} takes {token.metadata['max']} characters, not {longest}"


def object_complaints(operation, path):
    """Whether an import takes an object in S3 by its name, and nowhere content."""
    shape = operation.input_shape
    for word in path.split("."):
        shape = shape.member if shape.type_name == "list" else shape
        shape = shape.members.get(word)
        if shape is None:
            yield f"{operation.name} has no {path}"
            return
    streams = [name for name, member in operation.input_shape.members.items() if member.type_name == "blob"]
    if streams or operation.has_streaming_input:
        yield f"{operation.name} takes content: {streams}"


asked = json.load(open(sys.argv[1]))
for service, operations in asked["reads"].items():
    model = session.get_service_model(service)
    for name, reads in operations.items():
        if name not in model.operation_names:
            print(f"{service} has no operation {name}")
            continue
        for complaint in complaints(output_of(model.operation_model(name)), reads, name, model.protocol):
            print(complaint)
ec2 = session.get_service_model("ec2")
for name, longest in asked["tokens"].items():
    for complaint in token_complaints(ec2.operation_model(name), longest):
        print(complaint)
for name, path in asked["objects"].items():
    for complaint in object_complaints(ec2.operation_model(name), path):
        print(complaint)
for reader, names in asked.get("readers", {}).items():
    for name in names:
        found = types.get(name, set())
        if found and not found & READERS[reader]:
            print(f"`{name}` is read as a {reader}, and is a {' or a '.join(sorted(found))}")
