"""The import of disks, which neither moto nor ministack has, in front of moto: `ImportSnapshot`, `DescribeImportSnapshotTasks`
and `CancelImportTask` as AWS documents them.

Objects and snapshots are moto's own, asked for in the name of whoever asks. moto gives a registered image a snapshot of its own,
which is replaced by the one that was asked for. A task is active when it is first asked about and
at its end afterwards. A disk that begins with `broken` cannot be used, as EC2 says of one in another format
(https://docs.aws.amazon.com/vm-import/latest/userguide/vmimport-troubleshooting.html).
"""

import io
import itertools
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from moto.ec2 import ec2_backends

ACTIONS = ("ImportSnapshot", "DescribeImportSnapshotTasks", "CancelImportTask")
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


class DiskImport:
    def __init__(self, application):
        self.application = application
        self.numbers = itertools.count(1)
        self.tasks = {}

    def __call__(self, environ, start_response):
        if "form-urlencoded" not in environ.get("CONTENT_TYPE", ""):
            return self.application(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        if form.get("Action") == "RegisterImage" and "BlockDeviceMapping.1.Ebs.SnapshotId" in form:
            return self.register(environ, start_response, form["BlockDeviceMapping.1.Ebs.SnapshotId"])
        if form.get("Action") not in ACTIONS:
            return self.application(environ, start_response)
        status, content = getattr(self, form["Action"])(environ, form)
        start_response(status, [("Content-Type", "text/xml")])
        return [content.encode()]

    def ImportSnapshot(self, environ, form):
        bucket, key = (form[f"DiskContainer.UserBucket.{word}"] for word in ("S3Bucket", "S3Key"))
        status, content = self.ask(environ, "s3", "GET", f"/{bucket}/{key}")
        if not status.startswith("200"):
            return error("InvalidParameter", "The given S3 object does not exist")
        # A repetition is known by its token.
        same = [id for id, task in self.tasks.items() if task["token"] == form["ClientToken"]]
        id = same[0] if same else f"import-snap-{next(self.numbers):017x}"
        self.tasks.setdefault(
            id,
            {"token": form["ClientToken"], "form": form, "is_usable": not content.startswith(b"broken"), "status": "active"},
        )
        return answer("ImportSnapshot", f"<importTaskId>{id}</importTaskId>{self.detail(id)}")

    def DescribeImportSnapshotTasks(self, environ, form):
        id = form["ImportTaskId.1"]
        if id not in self.tasks:
            return error("InvalidConversionTaskId.NotFound", f"The import task '{id}' does not exist")
        shown = f"<item><importTaskId>{id}</importTaskId>{self.detail(id)}</item>"
        task = self.tasks[id]
        if task["status"] == "active":
            task["status"] = "completed" if task["is_usable"] else "deleted"
            if task["is_usable"]:
                task["snapshot"] = self.snapshot(environ)
        return answer("DescribeImportSnapshotTasks", f"<importSnapshotTaskSet>{shown}</importSnapshotTaskSet>")

    def CancelImportTask(self, environ, form):
        id = form["ImportTaskId"]
        before, self.tasks[id]["status"] = self.tasks[id]["status"], "deleting"
        content = f"<importTaskId>{id}</importTaskId><state>deleting</state><previousState>{before}</previousState>"
        return answer("CancelImportTask", content)

    def register(self, environ, start_response, snapshot):
        content = b"".join(self.application(environ, start_response))
        if b"<imageId>" in content:
            image = text(content, "imageId")
            regions = [region for account in list(ec2_backends.values()) for region in account.values()]
            backend = next(region for region in regions if image in region.amis)
            del backend.snapshots[backend.amis[image].ebs_snapshot.id]
            backend.amis[image].ebs_snapshot = backend.snapshots[snapshot]
        return [content]

    def detail(self, id):
        task = self.tasks[id]
        told = {
            "active": "<progress>19</progress><statusMessage>converting</statusMessage>",
            "completed": f"<snapshotId>{task.get('snapshot')}</snapshotId>",
            "deleting": "",
            "deleted": "<statusMessage>ClientError: Disk validation failed [Unsupported VMDK File Format]</statusMessage>",
        }[task["status"]]
        form = task["form"]
        bucket, key = (escape(form[f"DiskContainer.UserBucket.{word}"]) for word in ("S3Bucket", "S3Key"))
        return (
            f"<snapshotTaskDetail><diskImageSize>1048576.0</diskImageSize><format>{form['DiskContainer.Format']}</format>"
            f"<status>{task['status']}</status>{told}"
            f"<userBucket><s3Bucket>{bucket}</s3Bucket><s3Key>{key}</s3Key></userBucket></snapshotTaskDetail>"
        )

    def snapshot(self, environ):
        """A snapshot of moto's, of a disk that is gone again."""
        _, zones = self.ec2(environ, Action="DescribeAvailabilityZones")
        volume = self.ec2(environ, Action="CreateVolume", Size="1", AvailabilityZone=text(zones, "zoneName"))[1]
        snapshot = self.ec2(environ, Action="CreateSnapshot", VolumeId=text(volume, "volumeId"))[1]
        self.ec2(environ, Action="DeleteVolume", VolumeId=text(volume, "volumeId"))
        return text(snapshot, "snapshotId")

    def ec2(self, environ, **form):
        return self.ask(environ, "ec2", "POST", "/", urlencode({**form, "Version": "2016-11-15"}).encode())

    def ask(self, environ, service, method, path, body=b""):
        """moto's answer to somebody's request, in the name of whoever sent this one."""
        signed = environ["HTTP_AUTHORIZATION"].replace("/ec2/aws4_request", f"/{service}/aws4_request")
        asked = {
            **environ,
            "HTTP_AUTHORIZATION": signed,
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "RAW_URI": path,
            "REQUEST_URI": path,
            "QUERY_STRING": "",
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
            "wsgi.input": io.BytesIO(body),
        }
        given = []
        content = b"".join(self.application(asked, lambda status, headers, *_: given.append(status)))
        return given[-1], content


def text(document, name):
    """The first text of an element."""
    return next(node.text for node in ElementTree.fromstring(document).iter() if node.tag.rpartition("}")[2] == name)


def answer(action, content):
    return "200 OK", f'<{action}Response xmlns="{NAMESPACE}"><requestId>imported</requestId>{content}</{action}Response>'


def error(code, words):
    inner = f"<Error><Code>{code}</Code><Message>{escape(words)}</Message></Error>"
    return "400 Bad Request", f"<Response><Errors>{inner}</Errors><RequestID>imported</RequestID></Response>"
