"""Swift: a proxy and, behind it, one server each for accounts, containers and objects, on one device that is a directory."""

import os
import pwd
import socket
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
KINDS = {"account": 1, "container": 2, "object": 3}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def write_rings(place, ports):
    from swift.common.ring import RingBuilder

    for kind, port in ports.items():
        # Four partitions, one replica of each.
        builder = RingBuilder(2, 1, 0)
        device = {"ip": "127.0.0.1", "port": port, "device": "disk", "weight": 1.0, "region": 1, "zone": 1}
        builder.add_dev({**device, "replication_ip": "127.0.0.1", "replication_port": port, "meta": ""})
        builder.rebalance()
        builder.get_ring().save(str(place / f"{kind}.ring.gz"))


def common(place, port):
    user = pwd.getpwuid(os.getuid()).pw_name
    return f"""
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {place}
devices = {place}/devices
mount_check = false
fallocate_reserve = 0
log_level = INFO
"""


def main(port, preexec):
    """Becomes the proxy at this port. `swift/proxy.conf` has its settings, but for where it listens."""
    place = Path.cwd() / "swift"
    (place / "devices/disk").mkdir(parents=True, exist_ok=True)
    ports = {kind: free_port() for kind in KINDS}
    write_rings(place, ports)
    (place / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\nswift_hash_path_prefix = tests\n")
    for kind, own in ports.items():
        pipeline = f"[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n"
        (place / f"{kind}.conf").write_text(common(place, own) + pipeline)
        subprocess.Popen([str(BIN / f"swift-{kind}-server"), str(place / f"{kind}.conf"), "verbose"], preexec_fn=preexec)
    settings = (place.parent / "etc/swift/proxy.conf").read_text()
    (place / "proxy.conf").write_text(common(place, port) + settings)
    os.execv(str(BIN / "swift-proxy-server"), ["swift-proxy-server", str(place / "proxy.conf"), "verbose"])
