"""Requests to S3 and Route 53 against AWS's own service models: method, path, query, headers and document.

The operation is the one whose path fits and whose words of the query are all there, the most of them.
"""

import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qsl, unquote

# What every request may carry: of HTTP, of signatures and of chunks that are signed.
# https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonRequestHeaders.html
COMMON = {"x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-decoded-content-length", "x-amz-trailer"}
# A presigned URL: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
PRESIGNED = {"algorithm", "credential", "date", "expires", "signedheaders", "signature", "security-token"}


def fits(pattern, path):
    """The values of a pattern's labels, none where it does not fit: `/{Bucket}/{Key+}`."""
    names, words = pattern.strip("/").split("/"), path.strip("/").split("/", 1 if pattern == "/{Bucket}/{Key+}" else -1)
    if names == [""]:
        return {} if words == [""] else None
    if len(names) != len(words):
        return None
    found = {}
    for name, word in zip(names, words):
        if name.startswith("{"):
            if not word:
                return None
            found[name.strip("{}+")] = unquote(word)
        elif name != word:
            return None
    return found


def placed(shape, location):
    """Members of a request by their name at a location, in small letters for headers."""
    members = shape.members if shape else {}
    found = {m.serialization.get("name", n): (n, m) for n, m in members.items() if m.serialization.get("location") == location}
    return {name.lower(): member for name, member in found.items()} if location == "header" else found


def operation_of(model, method, path, query, headers):
    """The operation of a request with the values of its path."""
    candidates = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        pattern, _, words = operation.http["requestUri"].partition("?")
        wanted = dict(parse_qsl(words, keep_blank_values=True))
        labels = fits(pattern, path) if operation.http["method"] == method else None
        if labels is None or any(query.get(word) is None or value and query[word] != value for word, value in wanted.items()):
            continue
        shape = operation.input_shape
        needed = [at for at, (member, _) in placed(shape, "querystring").items() if member in shape.required_members]
        told = [at for at, (member, _) in placed(shape, "header").items() if member in shape.required_members]
        if all(word in query for word in needed) and all(header in headers for header in told):
            known = sum(word in wanted or word in placed(shape, "querystring") for word in query)
            candidates.append((known, len(wanted) + len(needed), name, labels, wanted))
    return max(candidates, key=lambda found: found[:2], default=None)


def check(model, method, path, query_string, headers, body):
    """The operation that a request is, and what it does that its model does not allow."""
    query = dict(parse_qsl(query_string, keep_blank_values=True))
    found = operation_of(model, method, path, query, headers)
    if found is None:
        return None, [f"no operation of {model.service_name} is {method} {path}?{query_string}"]
    _, _, name, labels, wanted = found
    shape = model.operation_model(name).input_shape
    complaints, given = [], set()
    uri, asked, sent = (placed(shape, location) for location in ("uri", "querystring", "header"))
    for label, value in labels.items():
        given.add(uri[label][0])
        complaints += wrong(uri[label][1], value, f"{name} {label}")
    for word, value in query.items():
        if word in asked:
            given.add(asked[word][0])
            complaints += wrong(asked[word][1], value, f"{name} {word}")
        elif word not in wanted and not (word.lower().startswith("x-amz-") and word.lower()[6:] in PRESIGNED):
            complaints.append(f"{name}: nothing is asked for by `{word}`")
    for header, value in headers.items():
        if header in sent:
            given.add(sent[header][0])
            complaints += wrong(sent[header][1], value, f"{name} {header}")
        elif header.startswith("x-amz-checksum-") and "x-amz-sdk-checksum-algorithm" in sent:
            continue
        elif header.startswith("x-amz-") and header not in COMMON:
            complaints.append(f"{name}: there is no header `{header}`")
    payload = shape.serialization.get("payload") if shape else None
    if payload:
        member = shape.members[payload]
        if body:
            given.add(payload)
        if body and member.type_name == "structure":
            complaints += document(member, member.serialization.get("name", payload), body, name)
    elif body:
        root = shape.serialization.get("name") if shape else None
        rest = {n for n, m in shape.members.items() if "location" not in m.serialization} if shape else set()
        if not root:
            complaints.append(f"{name} takes no document")
        else:
            complaints += document(shape, root, body, name, rest)
            given |= rest
    missing = set(shape.required_members) - given if shape else set()
    return name, complaints + [f"{name} lacks `{member}`" for member in sorted(missing)]


def document(shape, root_name, body, place, members=None):
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        return [f"{place}: {error}"]
    space, _, root_word = root.tag.rpartition("}")
    expected = shape.serialization.get("xmlNamespace", {}).get("uri")
    found = [] if root_word == root_name else [f"{place}: the root is `{root_word}`, not `{root_name}`"]
    if expected and space.lstrip("{") != expected:
        found.append(f"{place}: the namespace is `{space.lstrip('{')}`, not `{expected}`")
    return found + structure(shape, root, place, members)


def structure(shape, node, place, members=None):
    names = {m.serialization.get("name", n): (n, m) for n, m in shape.members.items() if members is None or n in members}
    found, given = [], {}
    for child in node:
        word = child.tag.rpartition("}")[2]
        if word not in names:
            found.append(f"{place}: there is no `{word}`")
            continue
        given.setdefault(word, []).append(child)
    for word, children in given.items():
        member = names[word][1]
        here = f"{place}.{word}"
        if member.type_name == "list":
            if member.serialization.get("flattened"):
                entries = children
            else:
                entries = list(children[0])
                expected = member.member.serialization.get("name", "member")
                found += [f"{here}: `{e.tag}` in place of `{expected}`" for e in entries if e.tag.rpartition("}")[2] != expected]
            for entry in entries:
                found += value_of(member.member, entry, here)
            continue
        if len(children) > 1:
            found.append(f"{here} is given {len(children)} times")
        found += value_of(member, children[0], here)
    required = [n for n in shape.required_members if members is None or n in members]
    spoken = {names[word][0] for word in given}
    return found + [f"{place} lacks `{member}`" for member in required if member not in spoken]


def value_of(shape, node, place):
    return structure(shape, node, place) if shape.type_name == "structure" else wrong(shape, node.text or "", place)


def wrong(shape, value, place):
    """What a text is not that a shape wants."""
    words = getattr(shape, "enum", None)
    limits = shape.metadata
    found = []
    if words and value not in words:
        found.append(f"`{value}` is none of {', '.join(words)}")
    if shape.type_name in ("integer", "long"):
        if not value.lstrip("-").isdigit():
            found.append(f"`{value}` is no number")
        elif not limits.get("min", float("-inf")) <= int(value) <= limits.get("max", float("inf")):
            found.append(f"{value} is out of range")
    elif shape.type_name == "boolean" and value not in ("true", "false"):
        found.append(f"`{value}` is no boolean")
    elif shape.type_name == "string" and not limits.get("min", 0) <= len(value) <= limits.get("max", float("inf")):
        found.append(f"`{value}` is too short or too long")
    return [f"{place}: {complaint}" for complaint in found]
