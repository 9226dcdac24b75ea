"""What somebody says to a peer and is answered, against AWS's own service models, which botocore ships."""

from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import answers
import botocore.session
import form_requests
import rest_requests

session = botocore.session.get_session()
# By the version that a request names.
VERSIONS = {"2016-11-15": "ec2", "2015-12-01": "elbv2", "2010-05-08": "iam", "2011-06-15": "sts"}
# The peers' own, which are none of AWS's.
OF_PEERS = ("/moto-api", "/_ministack", "/_localstack")
models = {}


def model_of(service):
    if service not in models:
        models[service] = session.get_service_model(service)
    return models[service]


class Exchange:
    """A request: what it asks for, and what its model does not allow of it. None of it is known of boto3's, which only looks on
    and makes its requests from the models."""

    def __init__(self, method, path, query, headers, body):
        self.model, self.operation, self.violations = None, None, []
        if path.startswith(OF_PEERS) or "Boto3" in headers.get("user-agent", ""):
            return
        if "form-urlencoded" in headers.get("content-type", ""):
            fields = parse_qsl(body.decode(), keep_blank_values=True)
            form = dict(fields)
            if form.get("Version") in VERSIONS and "Action" in form:
                self.model, self.operation = model_of(VERSIONS[form["Version"]]), form["Action"]
                self.violations = form_requests.violations(self.model, self.operation, fields)
            return
        self.model = model_of("route53" if path.startswith("/2013-04-01/") else "s3")
        self.operation, self.violations = rest_requests.check(self.model, method, path, query, headers, body)

    def is_described(self):
        """Whether the answer is a document that a model describes."""
        return self.operation is not None and not self.model.operation_model(self.operation).has_streaming_output

    def judge(self, status, headers, body, known):
        """What a success says otherwise than AWS, but for what is known."""
        if not 200 <= status < 300 or not self.is_described():
            return []
        found = answers.violations(self.model, self.operation, headers, body)
        return [complaint for complaint in found if complaint not in known]


def refusal(found):
    """An error that whatever runs on a peer fails with."""
    text = escape("; ".join(found))
    answer = (
        "<Response><Errors><Error><Code>ModelViolation</Code>"
        f"<Message>{text}</Message></Error></Errors><RequestID>checked</RequestID></Response>"
    )
    return answer.encode()


def has_text(kind):
    """Whether a body of this type is described; the content of objects is not, and is not read."""
    return "form-urlencoded" in kind or kind in ("application/xml", "application/json")
