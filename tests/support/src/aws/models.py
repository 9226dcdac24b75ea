"""Asks AWS's own service models, which botocore ships, about what a program reads of answers.

    python models.py READS

READS is a JSON file. In `reads`: services, their operations, and of each operation the elements that are read, one in
another; the entries of lists have no word of their own. In `tokens`: actions of EC2 that are sent with a client token, and
the most characters of one. In `objects`: actions that import disks, and where each names the object in S3 that it takes.
What no model has is printed, a line each.
"""

import json
import sys

import botocore.session

session = botocore.session.get_session()


def members(shape, protocol):
    """The members of an answer that are in its document, by the name of their element."""
    found = {}
    for name, member in shape.members.items():
        if member.serialization.get("location") not in (None, "headers"):
            continue
        element = member.serialization.get("name", name)
        if member.type_name == "list" and member.serialization.get("flattened"):
            element = member.serialization.get("name") or member.member.serialization.get("name", name)
        found[element] = member
    return found


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
        elif protocol != "rest-xml" and name not in ("item", "member"):
            yield f"{place}: its entries are `{name}`"
            return
        shape = shape.member
    if shape.type_name != "structure":
        if reads:
            yield f"{place} is a {shape.type_name} and has no {sorted(reads)}"
        return
    known = members(shape, protocol)
    for element, inner in reads.items():
        if element not in known:
            yield f"{place}: there is no `{element}`; there are {', '.join(sorted(known))}"
        else:
            yield from complaints(known[element], inner, f"{place}.{element}", protocol)


def output_of(operation):
    """The structure that an answer's document is."""
    shape = operation.output_shape
    payload = shape and shape.serialization.get("payload")
    return shape.members[payload] if payload else shape


def token_complaints(operation, longest):
    """Whether the action takes a token by which it knows a repetition, and one so long."""
    token = operation.input_shape.members.get("ClientToken")
    if token is None or not token.metadata.get("idempotencyToken"):
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
