"""A name server for Designate that has at once what its database has: nobody here asks it over DNS, and nothing listens.

    nameserver.py              puts it into the default pool, once per installation
"""

from designate import context, exceptions, storage
from designate.conf import CONF
from designate.objects.adapters import DesignateAdapter
from designate.worker.tasks import zone

POOL = {
    "name": "default",
    "ns_records": [{"hostname": "ns.peer.example.", "priority": 1}],
    "nameservers": [{"host": "127.0.0.1", "port": 53}],
    "targets": [{"type": "fake"}],
}


def administrator():
    return context.DesignateContext.get_admin_context(all_tenants=True)


def serial(poll):
    # A change of a recordset counts up what the worker was not told: it is told of the zone as it was.
    try:
        found = poll.storage.get_zone(administrator(), poll.zone.id)
    except exceptions.ZoneNotFound:
        return 0
    return 0 if found.action == "DELETE" else found.serial


def answer_worker():
    """The worker tells it of changes, and asks until it has them."""
    zone.SendNotify.__call__ = lambda _: True
    zone.PollForZone._get_serial = serial


def fill_pool():
    have = storage.get_storage()
    pool = have.get_pool(administrator(), CONF["service:central"].default_pool_id)
    have.update_pool(administrator(), DesignateAdapter.parse("YAML", POOL, pool))


if __name__ == "__main__":
    from designate.api import wsgi

    wsgi.init_application()
    fill_pool()
