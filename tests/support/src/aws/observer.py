"""Asks an AWS-like server through boto3, as the account's owner: a question a line, an answer a line, both in JSON.

    python observer.py ORIGIN REGION KEY
"""

import base64
import datetime
import json
import sys

import boto3
from botocore.config import Config

origin, region, key = sys.argv[1:]
clients = {}


def client(service, session=(key, key, None)):
    place = (service, *session)
    if place not in clients:
        access_key, secret_key, token = session
        clients[place] = boto3.client(
            service,
            endpoint_url=origin,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=token,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
        )
    return clients[place]


def plain(value):
    """What JSON has no form for."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.read().decode("utf-8", "replace")


def call(service, operation, parameters):
    return getattr(client(service), operation)(**parameters)


def every(service, operation, name, **parameters):
    """The items of all pages."""
    if not client(service).can_paginate(operation):
        return call(service, operation, parameters)[name]
    pages = client(service).get_paginator(operation).paginate(**parameters)
    return [item for page in pages for item in page.get(name, [])]


def label(item, identifier):
    """The name that its tag gives a thing, otherwise its id."""
    return next((tag["Value"] for tag in item.get("Tags", []) if tag["Key"] == "Name"), item[identifier])


def instances():
    found = [item for group in every("ec2", "describe_instances", "Reservations") for item in group["Instances"]]
    return [item for item in found if item["State"]["Name"] not in ("terminated", "shutting-down")]


# How things are listed, called and deleted, in the order in which they can be deleted.
# Noun, list, name, parameters of the deletion.
EC2 = [
    ("vm", lambda: instances(), "InstanceId", "terminate_instances", lambda i: {"InstanceIds": [i["InstanceId"]]}),
    ("nat", lambda: [i for i in every("ec2", "describe_nat_gateways", "NatGateways") if i["State"] not in ("deleted", "deleting")],
     "NatGatewayId", "delete_nat_gateway", lambda i: {"NatGatewayId": i["NatGatewayId"]}),
    ("address", lambda: every("ec2", "describe_addresses", "Addresses"), "AllocationId", "release_address",
     lambda i: {"AllocationId": i["AllocationId"]}),
    ("nic", lambda: every("ec2", "describe_network_interfaces", "NetworkInterfaces"), "NetworkInterfaceId",
     "delete_network_interface", lambda i: {"NetworkInterfaceId": i["NetworkInterfaceId"]}),
    ("disk", lambda: every("ec2", "describe_volumes", "Volumes"), "VolumeId", "delete_volume",
     lambda i: {"VolumeId": i["VolumeId"]}),
    ("image", lambda: every("ec2", "describe_images", "Images", Owners=["self"]), "ImageId", "deregister_image",
     lambda i: {"ImageId": i["ImageId"]}),
    ("snapshot", lambda: every("ec2", "describe_snapshots", "Snapshots", OwnerIds=["self"]), "SnapshotId",
     "delete_snapshot", lambda i: {"SnapshotId": i["SnapshotId"]}),
    ("keypair", lambda: every("ec2", "describe_key_pairs", "KeyPairs"), "KeyName", "delete_key_pair",
     lambda i: {"KeyName": i["KeyName"]}),
    ("gateway", lambda: every("ec2", "describe_internet_gateways", "InternetGateways"), "InternetGatewayId",
     "delete_internet_gateway", lambda i: {"InternetGatewayId": i["InternetGatewayId"]}),
    ("subnet", lambda: every("ec2", "describe_subnets", "Subnets"), "SubnetId", "delete_subnet",
     lambda i: {"SubnetId": i["SubnetId"]}),
    ("routes", lambda: every("ec2", "describe_route_tables", "RouteTables"), "RouteTableId", "delete_route_table",
     lambda i: {"RouteTableId": i["RouteTableId"]}),
    ("security-group", lambda: every("ec2", "describe_security_groups", "SecurityGroups"), "GroupId",
     "delete_security_group", lambda i: {"GroupId": i["GroupId"]}),
    ("network", lambda: every("ec2", "describe_vpcs", "Vpcs"), "VpcId", "delete_vpc", lambda i: {"VpcId": i["VpcId"]}),
]


def things():
    """Everything that is there: a line, and how it is deleted."""
    for item in every("elbv2", "describe_load_balancers", "LoadBalancers"):
        arn = item["LoadBalancerArn"]
        yield f"load-balancer {item['LoadBalancerName']}", [("elbv2", "delete_load_balancer", {"LoadBalancerArn": arn})]
    for item in every("elbv2", "describe_target_groups", "TargetGroups"):
        arn = item["TargetGroupArn"]
        yield f"target-group {item['TargetGroupName']}", [("elbv2", "delete_target_group", {"TargetGroupArn": arn})]
    for noun, items, identifier, deletion, parameters in EC2:
        for item in items():
            steps = [("ec2", deletion, parameters(item))]
            if noun == "gateway":
                steps = [
                    ("ec2", "detach_internet_gateway", {**parameters(item), "VpcId": attached["VpcId"]})
                    for attached in item["Attachments"]
                ] + steps
            # With the id, because names need not be unique; a VM's line must be its name alone.
            line = label(item, identifier) if noun == "vm" else f"{label(item, identifier)} {item[identifier]}"
            yield f"{noun} {line}", steps
    for item in call("s3", "list_buckets", {})["Buckets"]:
        bucket = {"Bucket": item["Name"]}
        objects = every("s3", "list_objects_v2", "Contents", **bucket)
        uploads = every("s3", "list_multipart_uploads", "Uploads", **bucket)
        steps = [("s3", "delete_object", {**bucket, "Key": found["Key"]}) for found in objects]
        steps += [
            ("s3", "abort_multipart_upload", {**bucket, "Key": found["Key"], "UploadId": found["UploadId"]})
            for found in uploads
        ]
        yield f"bucket {item['Name']}", steps + [("s3", "delete_bucket", bucket)]
        for found, step in zip(objects + uploads, steps):
            yield f"object {item['Name']}/{found['Key']}", [step]
    for item in every("route53", "list_hosted_zones", "HostedZones"):
        zone = {"HostedZoneId": item["Id"]}
        steps = []
        for found in every("route53", "list_resource_record_sets", "ResourceRecordSets", **zone):
            if found["Type"] in ("NS", "SOA") and found["Name"] == item["Name"]:
                continue
            batch = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": found}]}
            steps.append(("route53", "change_resource_record_sets", {**zone, "ChangeBatch": batch}))
            yield f"record {found['Name']} {found['Type']}", steps[-1:]
        yield f"zone {item['Name']} {item['Id']}", steps + [("route53", "delete_hosted_zone", {"Id": item["Id"]})]


def delete_others(kept):
    for line, steps in list(things()):
        if line in kept:
            continue
        for step in steps:
            try:
                call(*step)
            except Exception:
                # It may have gone with another thing; whoever looks again sees what is left.
                pass


def answer(question):
    [(what, argument)] = question.items()
    if what == "call":
        return call(*argument)
    if what == "call_as":
        session, service, operation, parameters = argument
        return getattr(client(service, tuple(session)), operation)(**parameters)
    if what == "observe":
        return [line for line, _ in things()]
    return delete_others(argument)


for line in sys.stdin:
    try:
        said = {"answer": answer(json.loads(line))}
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said, default=plain), flush=True)
