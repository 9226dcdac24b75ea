"""One service of the cloud; Nova's four, Cinder's three, and Designate's four, in one process: `services.py NAME PORT`."""

import importlib
import os
import sys

APPLICATIONS = {
    "keystone": "keystone.wsgi.api",
    "placement": "placement.wsgi.api",
    "glance": "glance.wsgi.api",
    "neutron": "neutron.wsgi.api",
}


def nova():
    """Nova's API, conductor, scheduler and compute: without a broker they must be one process."""
    from nova import monkey_patch

    monkey_patch.patch(backend="threading")
    import databases

    databases.let_writers_wait()
    import nova.conf
    import os_brick
    import os_vif
    from nova import context, objects, service
    from nova.api.openstack import wsgi_app
    from nova.compute import rpcapi as compute
    from nova.conductor import rpcapi as conductor
    from nova.objects import host_mapping
    from nova.scheduler import rpcapi as scheduler

    import hypervisor
    import nova.virt

    # Nova looks for hypervisors among its own modules only.
    sys.modules["nova.virt.hypervisor"] = nova.virt.hypervisor = hypervisor
    sys.argv = ["nova"]
    application = wsgi_app.init_application("osapi_compute", "nova-api-os-compute")
    import nova.privsep  # noqa: F401, registers its contexts

    objects.register_all()
    os_brick.setup(nova.conf.CONF)
    os_vif.initialize()
    for binary, api in (("nova-conductor", conductor), ("nova-scheduler", scheduler), ("nova-compute", compute)):
        more = {"topic_alt": api.RPC_TOPIC_ALT} if hasattr(api, "RPC_TOPIC_ALT") else {}
        service.Service.create(binary=binary, topic=api.RPC_TOPIC, **more).start()
    host_mapping.discover_hosts(context.get_admin_context())
    return application


def use_threads():
    """Before anything of a service that has the choice between threads and eventlet."""
    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)
    import databases

    databases.let_writers_wait()


def cinder():
    """Cinder's API, scheduler and volume service: without a broker they must be one process."""
    use_threads()
    from cinder.wsgi import wsgi

    sys.argv = ["cinder", "--config-dir", os.environ["OS_CINDER_CONFIG_DIR"]]
    application = wsgi.initialize_application()
    import volumes
    from cinder import service
    from oslo_config import cfg

    service.Service.create(binary="cinder-scheduler").start()
    host = f"{cfg.CONF.host}@{volumes.NAME}"
    more = {"service_name": volumes.NAME, "coordination": True}
    service.Service.create(host=host, binary="cinder-volume", **more).start()
    return application


def designate():
    """Designate's API, central service, producer and worker: without a broker they must be one process."""
    use_threads()
    from designate.api import wsgi

    application = wsgi.init_application()
    from designate.central import service as central
    from designate.producer import service as producer
    from designate.worker import service as worker

    import nameserver

    nameserver.answer_worker()
    for service in (central, worker, producer):
        service.Service().start()
    return application


def octavia():
    """Octavia's API, and in the same process what stands in for its worker."""
    import databases

    databases.let_writers_wait()
    from octavia.api import app

    application = app.setup_app(argv=["octavia", "--config-dir", os.environ["OS_OCTAVIA_CONFIG_DIR"]])
    import balancers

    balancers.start()
    return application


PROCESSES = {"nova": nova, "cinder": cinder, "designate": designate, "octavia": octavia}


def main(name, port):
    if name == "swift":
        import objects
        from cloud import end_with_parent

        objects.main(port, end_with_parent)
    sys.argv = [name]
    if name in PROCESSES:
        application = PROCESSES[name]()
    else:
        import databases

        databases.let_writers_wait()
        application = importlib.import_module(APPLICATIONS[name]).application
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *_):
            pass

    make_server("127.0.0.1", port, application, threaded=True, request_handler=Quiet).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
