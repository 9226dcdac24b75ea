"""ministack, between a check of every request and one of every answer against AWS's own service models, which botocore ships.

    python checked_ministack.py

It is configured by its own variables of the environment. See `checked_moto.py`.
"""

import sys

import answers
import checks
import ministack.app

application = ministack.app.app
known = answers.known("ministack")


async def checked(scope, receive, send):
    """Checks a request, hands it on, and checks the answer. The content of objects, which no model describes, is not read."""
    if scope["type"] != "http":
        await application(scope, receive, send)
        return
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    body = b"content" if headers.get("content-length", "0") != "0" else b""
    if checks.has_text(headers.get("content-type", "")):
        body, receive = await whole(receive)
    path = scope.get("raw_path", scope["path"].encode()).decode().partition("?")[0]
    exchange = checks.Exchange(scope["method"], path, scope["query_string"].decode(), headers, body)
    if exchange.violations:
        await refuse(exchange.violations, send)
    elif not exchange.is_described():
        await application(scope, receive, send)
    else:
        said = []

        async def keep(message):
            said.append(message)

        await application(scope, receive, keep)
        started = next(message for message in said if message["type"] == "http.response.start")
        answer = b"".join(message.get("body", b"") for message in said)
        answered = {name.decode().lower(): value.decode("latin-1") for name, value in started["headers"]}
        found = exchange.judge(started["status"], answered, answer, known)
        if found:
            await refuse(found, send)
            return
        for message in said:
            await send(message)


async def whole(receive):
    """A body, and what gives it again."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    body = b"".join(message.get("body", b"") for message in messages)

    async def again():
        return messages.pop(0) if messages else await receive()

    return body, again


async def refuse(found, send):
    print("model violations:", *found, sep="\n  ", file=sys.stderr, flush=True)
    await send({"type": "http.response.start", "status": 400, "headers": [(b"content-type", b"text/xml")]})
    await send({"type": "http.response.body", "body": checks.refusal(found)})


if __name__ == "__main__":
    ministack.app.app = checked
    ministack.app.main()
