"""What openstacksdk says is there: the second opinion, over HTTP.

    GET  /origins     the services' origins and the administrator's password, JSON
    GET  /observe     what is there, a line each
    POST /remove      removes what the body's lines name
    POST /create      creates a server of this name, as other tools do; answers its id
    POST /snapshot    makes a snapshot of this volume; answers its id
    POST /create-many creates a server, and copies it until there are as many as the body says
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import copies
import settings

# Name, CPUs, MiB, GiB.
FLAVORS = [("small", 1, 256, 1), ("small-2", 1, 256, 2), ("wide", 2, 384, 1), ("larger", 1, 512, 1), ("absurd", 1, 1 << 30, 1)]


def furnish(cloud):
    """What may be taken for granted: a network, an external one behind a router, flavors, two images, a DNS zone."""
    for name, cpus, memory, disk in FLAVORS:
        cloud.compute.create_flavor(name=name, vcpus=cpus, ram=memory, disk=disk)
    inside = cloud.network.create_network(name="default")
    subnet = cloud.network.create_subnet(network_id=inside.id, name="default", cidr="10.20.0.0/24", ip_version=4)
    outside = cloud.network.create_network(name="outside", **{"router:external": True})
    cloud.network.create_subnet(network_id=outside.id, name="outside", cidr="203.0.113.0/24", ip_version=4)
    router = cloud.network.create_router(name="edge", external_gateway_info={"network_id": outside.id})
    cloud.network.add_interface_to_router(router, subnet_id=subnet.id)
    cloud.dns.create_zone(name="conformance.example.", email="operator@conformance.example")
    # Octavia's project has its default group once it has looked for one; Neutron makes it for whoever asks. From the beginning,
    # so that it is not taken for something that the first load balancer left.
    list(cloud.network.security_groups(project_id=cloud.identity.find_project("service").id))
    cloud.create_image("tiny", data=bytes(1 << 20), disk_format="raw", container_format="bare", wait=True)
    cloud.create_image("large", data=bytes(1 << 20), disk_format="raw", container_format="bare", min_disk=2, wait=True)


def delete_bucket(cloud, bucket):
    for thing in cloud.object_store.objects(bucket):
        cloud.object_store.delete_object(thing, container=bucket)
    cloud.object_store.delete_container(bucket)


def zones(cloud):
    """Those within others first: a zone that has some is not deleted."""
    return sorted(cloud.dns.zones(), key=lambda zone: -len(zone.name))


def records(cloud):
    """The recordsets that people made: the others come and go with their zones."""
    for zone in cloud.dns.zones():
        for record in cloud.dns.recordsets(zone.id):
            if record.name != zone.name or record.type not in ("SOA", "NS"):
                yield record


def delete_wholly(service, delete, thing, **more):
    """And waits until it is gone: others may not be deleted before."""
    delete(thing, **more)
    service.wait_for_delete(thing, interval=0.2)


def lists(cloud):
    compute, network, blocks, balancers = cloud.compute, cloud.network, cloud.block_storage, cloud.load_balancer
    return {
        "vm": (compute.servers, lambda thing: delete_wholly(compute, compute.delete_server, thing)),
        "keypair": (compute.keypairs, compute.delete_keypair),
        "image": (cloud.image.images, cloud.image.delete_image),
        "load-balancer": (
            balancers.load_balancers,
            lambda thing: delete_wholly(balancers, balancers.delete_load_balancer, thing, cascade=True),
        ),
        "floating": (network.ips, network.delete_ip),
        "port": (network.ports, network.delete_port),
        "router": (network.routers, None),
        "subnet": (network.subnets, network.delete_subnet),
        "network": (network.networks, network.delete_network),
        "volume-snapshot": (blocks.snapshots, lambda thing: delete_wholly(blocks, blocks.delete_snapshot, thing)),
        "volume": (blocks.volumes, lambda thing: delete_wholly(blocks, blocks.delete_volume, thing)),
        "record": (lambda: records(cloud), lambda record: cloud.dns.delete_recordset(record, record.zone_id)),
        "zone": (lambda: zones(cloud), lambda zone: delete_wholly(cloud.dns, cloud.dns.delete_zone, zone)),
        "bucket": (cloud.object_store.containers, lambda bucket: delete_bucket(cloud, bucket)),
        "security-group": (network.security_groups, network.delete_security_group),
    }


def things(cloud):
    for noun, (read, delete) in lists(cloud).items():
        for thing in read():
            # Neutron's own ports come and go with networks and routers.
            if noun == "port" and thing.device_owner.startswith("network:"):
                continue
            # What has a name has several types of records.
            more = f" {thing.type}" if noun == "record" else ""
            yield f"{noun} {thing.name or thing.id}{more}", noun, thing, delete


def remove(cloud, lines):
    for line, noun, thing, delete in list(things(cloud)):
        if line not in lines:
            continue
        try:
            if noun == "router":
                for port in cloud.network.ports(device_id=thing.id, device_owner="network:router_interface"):
                    cloud.network.remove_interface_from_router(thing, port_id=port.id)
                cloud.network.delete_router(thing)
            else:
                delete(thing)
        except Exception as error:  # the trial that left it has failed already
            print(f"removing {line}: {error}", flush=True)


def create(cloud, name):
    network = cloud.network.find_network("default").id
    flavor = cloud.compute.find_flavor("small").id
    image = cloud.image.find_image("tiny").id
    server = cloud.compute.create_server(name=name, flavor_id=flavor, image_id=image, networks=[{"uuid": network}])
    return cloud.compute.wait_for_server(server, interval=0.2).id


def snapshot(cloud, volume):
    made = cloud.block_storage.create_snapshot(volume_id=volume)
    return cloud.block_storage.wait_for_status(made, "available", interval=0.2).id


def serve(cloud, origins, home, port):
    class Handler(BaseHTTPRequestHandler):
        def answer(self, text, status=200):
            body = text.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            if self.path == "/origins":
                self.answer(json.dumps({"origins": origins, "password": settings.PASSWORD}))
            elif self.path == "/observe":
                self.answer("".join(sorted(line + "\n" for line, *_ in things(cloud))))
            else:
                self.answer("there is nothing of that name", 404)

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            if self.path == "/remove":
                remove(cloud, body.splitlines())
                self.answer("")
            elif self.path == "/create":
                self.answer(create(cloud, body))
            elif self.path == "/snapshot":
                self.answer(snapshot(cloud, body))
            elif self.path == "/create-many":
                copies.make(home, create(cloud, "many"), int(body))
                self.answer("")
            else:
                self.answer("there is nothing of that name", 404)

        def log_message(self, *_):
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
