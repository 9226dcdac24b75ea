"""Requests of the `ec2` and `query` protocols against AWS's own service models: an action and its parameters in a form."""

import re


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


def violations(model, action, fields):
    """What a request does that its model does not allow."""
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
