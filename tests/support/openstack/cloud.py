"""OpenStack itself on loopback, unprivileged: Keystone, Placement, Glance, Neutron, Nova, Cinder, Designate, Octavia and Swift.

    cloud.py prepare DIR       makes the databases, once per installation (a minute)
    cloud.py run DIR HOME PORT copies them, starts the services, and then tells at PORT what is there

The services are upstream's, from PyPI. Only the hypervisor (`hypervisor.py`), Neutron's mechanism, the volumes' contents
(`volumes.py`), the name server (`nameserver.py`) and what balances loads (`balancers.py`) are not real.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import settings

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
NAMES = ["keystone", "placement", "glance", "neutron", "nova", "cinder", "designate", "octavia", "swift"]
# The path of each service's API in the catalogue.
SERVICES = {
    "placement": ("placement", ""),
    "nova": ("compute", "/v2.1"),
    "glance": ("image", ""),
    "neutron": ("network", ""),
    "cinder": ("block-storage", "/v3/%(project_id)s"),
    "designate": ("dns", ""),
    "octavia": ("load-balancer", ""),
    "swift": ("object-store", "/v1/AUTH_%(project_id)s"),
}
START_SECONDS = 280


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def write_settings(home, origins):
    for name in NAMES:
        shipped = BIN.parent / "etc" / name
        if shipped.exists():  # Placement ships none
            shutil.copytree(shipped, home / "etc" / name, dirs_exist_ok=True)
    for file, content in settings.files(home, origins).items():
        path = home / "etc" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for directory in ["images", "staging", "tasks", "instances"]:
        (home / directory).mkdir(exist_ok=True)


def environment(home):
    own = {f"OS_{name.upper()}_CONFIG_DIR": str(home / "etc" / name) for name in NAMES}
    return {**os.environ, **own, "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore"}


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def start(home, name, port):
    # Neutron's mechanism for tests asserts what only its own tests keep.
    python = [sys.executable] + (["-O"] if name == "neutron" else [])
    log = open(home / f"{name}.log", "ab")
    command = python + [str(HERE / "services.py"), name, str(port)]
    return subprocess.Popen(
        command, env=environment(home), cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent
    )


def wait_for(origin, process, name, home):
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(origin, timeout=5)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    log = (home / f"{name}.log").read_text(errors="replace")
    sys.exit(f"{name} does not answer at {origin}:\n{log[-4000:]}")


def connect(origins, **more):
    import openstack

    return openstack.connect(
        auth_url=origins["keystone"] + "/v3",
        username="admin",
        password=settings.PASSWORD,
        project_name="admin",
        user_domain_name="Default",
        project_domain_name="Default",
        region_name="RegionOne",
        **more,
    )


def fill_catalogue(cloud, origins):
    project = cloud.identity.create_project(name="service", domain_id="default")
    roles = [role for role in cloud.identity.roles() if role.name in ("admin", "service")]
    for name, (kind, path) in SERVICES.items():
        user = cloud.identity.create_user(name=name, password=settings.PASSWORD, domain_id="default")
        for role in roles:
            cloud.identity.assign_project_role_to_user(project, user, role)
        service = cloud.identity.create_service(name=name, type=kind)
        for interface in ("public", "internal", "admin"):
            cloud.identity.create_endpoint(
                service_id=service.id, interface=interface, url=origins[name] + path, region_id="RegionOne"
            )


def prepare(directory):
    home = Path(directory).resolve()
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    origins = {name: f"http://127.0.0.1:{port}" for name, port in zip(NAMES, free_ports(len(NAMES)))}
    write_settings(home, origins)
    env = environment(home)

    def run(*command):
        done = subprocess.run(command, env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"{command}:\n{done.stdout[-4000:]}")

    user = ["--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid())]
    keystone = [str(BIN / "keystone-manage"), "--config-file", str(home / "etc/keystone/keystone.conf")]
    run(*keystone, "db_sync")
    run(*keystone, "fernet_setup", *user)
    run(*keystone, "credential_setup", *user)
    own = origins["keystone"] + "/v3/"
    urls = [text for kind in ("public", "internal", "admin") for text in (f"--bootstrap-{kind}-url", own)]
    run(*keystone, "bootstrap", "--bootstrap-password", settings.PASSWORD, "--bootstrap-region-id", "RegionOne", *urls)
    run(str(BIN / "placement-manage"), "--config-file", str(home / "etc/placement/placement.conf"), "db", "sync")
    glance = f"""
import sys
sys.argv = ["glance-manage", "--config-file", "{home}/etc/glance/glance-api.conf", "db_sync"]
from glance.cmd.manage import main
main()
"""
    run(sys.executable, "-c", glance)
    # Its migrations cannot run on this database.
    neutron = f"""
from neutron.db.migration.models import head
from sqlalchemy import create_engine
head.get_metadata().create_all(create_engine("sqlite:///{home}/neutron.db"))
"""
    run(sys.executable, "-c", neutron)
    nova = [str(BIN / "nova-manage"), "--config-file", str(home / "etc/nova/nova.conf")]
    run(*nova, "api_db", "sync")
    run(*nova, "cell_v2", "map_cell0", "--database_connection", f"sqlite:///{home}/nova_cell0.db?timeout=60")
    run(*nova, "db", "sync")
    cell = ["--name", "cell1", "--transport-url", "fake://", "--database_connection", f"sqlite:///{home}/nova.db?timeout=60"]
    run(*nova, "cell_v2", "create_cell", *cell)
    run(str(BIN / "cinder-manage"), "--config-file", str(home / "etc/cinder/cinder.conf"), "db", "sync")
    run(str(BIN / "designate-manage"), "--config-file", str(home / "etc/designate/designate.conf"), "database", "sync")
    run(sys.executable, str(HERE / "nameserver.py"))
    run(sys.executable, "-c", f"import balancers; balancers.make_tables('sqlite:///{home}/octavia.db')")
    process = start(home, "keystone", int(origins["keystone"].rsplit(":", 1)[1]))
    wait_for(origins["keystone"] + "/v3", process, "keystone", home)
    fill_catalogue(connect(origins), origins)
    process.kill()
    process.wait()
    # Readers and one writer at a time: Nova's services are threads that would find it locked otherwise.
    for file in home.glob("*.db"):
        database = sqlite3.connect(file)
        database.execute("pragma journal_mode = wal")
        database.close()
    # Last: where it was made, which a copy must be rid of.
    (home / "made.json").write_text(json.dumps({"home": str(home), "origins": origins}))


def copy(made, home):
    """A state of its own: the databases hold ports and paths, which are others now."""
    old = json.loads((Path(made) / "made.json").read_text())
    shutil.copytree(made, home, dirs_exist_ok=True)
    origins = {name: f"http://127.0.0.1:{port}" for name, port in zip(NAMES, free_ports(len(NAMES)))}
    with sqlite3.connect(home / "keystone.db") as database:
        for name in NAMES:
            database.execute("update endpoint set url = replace(url, ?, ?)", (old["origins"][name], origins[name]))
    with sqlite3.connect(home / "nova_api.db") as database:
        change = "update cell_mappings set database_connection = replace(database_connection, ?, ?)"
        database.execute(change, (old["home"], str(home)))
    write_settings(home, origins)
    return origins


def watch_parent():
    """Ends this process, and with it the services, when whoever started it is gone.

    The kernel's own signal would come when the thread that started it ends, which the caller's may do at any time.
    """
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def run(made, directory, port):
    watch_parent()
    home = Path(directory).resolve() / "cloud"
    origins = copy(made, home)
    processes = {name: start(home, name, int(origins[name].rsplit(":", 1)[1])) for name in NAMES}
    for name in NAMES:
        wait_for(origins[name], processes[name], name, home)
    cloud = connect(origins)
    import observer

    observer.furnish(cloud)
    observer.serve(cloud, origins, home, port)


if __name__ == "__main__":
    if sys.argv[1:2] == ["prepare"]:
        prepare(sys.argv[2])
    else:
        run(sys.argv[2], sys.argv[3], int(sys.argv[4]))
