"""Octavia's database, and what stands in for its worker: this cloud has no virtual machines that would balance anything.

The API and its provider `amphora` are upstream's: they validate, make the port of the address in Neutron, and leave everything
else `PENDING_` to the worker, which hears of it from a broker. This one looks into the database instead.
"""

import threading
import time
import traceback

from octavia.api.drivers.driver_agent.driver_updater import DriverUpdater
from octavia.common import constants
from octavia.common.context import RequestContext
from octavia.db import api, base_models, models
from oslo_config import cfg
from pecan import request
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

import databases

# Seconds between looks, in which others can see what is pending.
PAUSE = 0.2
# What the migrations insert, which cannot run on SQLite.
WORDS = {
    models.ProvisioningStatus: constants.SUPPORTED_PROVISIONING_STATUSES,
    models.OperatingStatus: constants.SUPPORTED_OPERATING_STATUSES,
    models.Protocol: constants.SUPPORTED_PROTOCOLS,
    models.Algorithm: constants.SUPPORTED_LB_ALGORITHMS,
    models.AmphoraRoles: constants.SUPPORTED_AMPHORA_ROLES,
    models.LBTopology: constants.SUPPORTED_LB_TOPOLOGIES,
    models.SessionPersistenceType: constants.SUPPORTED_SP_TYPES,
    models.HealthMonitorType: constants.SUPPORTED_HEALTH_MONITOR_TYPES,
    models.VRRPAuthMethod: constants.SUPPORTED_VRRP_AUTH,
    models.L7RuleType: constants.SUPPORTED_L7RULE_TYPES,
    models.L7RuleCompareType: constants.SUPPORTED_L7RULE_COMPARE_TYPES,
    models.L7PolicyAction: constants.SUPPORTED_L7POLICY_ACTIONS,
    models.ClientAuthenticationMode: constants.SUPPORTED_CLIENT_AUTH_MODES,
}


def make_tables(url):
    engine = create_engine(url)
    base_models.BASE.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add_all(kind(name=word) for kind, words in WORDS.items() for word in words)


def writing_session():
    engine = api.get_engine().execution_options(**{databases.WRITES: True})
    return api.session()(bind=engine)


def let_requests_wait():
    """Requests that may write wait for each other. A provider's own sessions, within theirs, only read, and must not wait."""

    def session(self):
        if self._session is None:
            self._session = api.get_session() if request.method == "GET" else writing_session()
        return self._session

    RequestContext.session = property(session)


def parts(balancer):
    """What belongs to a load balancer, in an order in which it can be deleted."""
    pools, listeners = balancer.pools, balancer.listeners
    policies = [policy for listener in listeners for policy in listener.l7policies]
    members = [member for pool in pools for member in pool.members]
    monitors = [pool.health_monitor for pool in pools if pool.health_monitor]
    rules = [rule for policy in policies for rule in policy.l7rules]
    return [*members, *monitors, *rules, *policies, *listeners, *pools]


def activate(thing):
    monitored = not isinstance(thing, models.Member) or thing.pool.health_monitor
    working = constants.ONLINE if monitored else constants.NO_MONITOR
    thing.provisioning_status = constants.ACTIVE
    thing.operating_status = working if thing.enabled else constants.OFFLINE


def finish(session, balancer):
    """Whether it goes: only with its port."""
    gone = balancer.provisioning_status == constants.PENDING_DELETE
    for part in parts(balancer):
        if gone or part.provisioning_status == constants.PENDING_DELETE:
            session.delete(part)
        else:
            activate(part)
    if not gone:
        activate(balancer)
    return gone


def finish_pending(updater):
    pending = select(models.LoadBalancer).where(models.LoadBalancer.provisioning_status.startswith("PENDING_"))
    with api.get_session() as session:
        if not session.scalars(pending).first():
            return
    # All at once: between many small transactions the requests' long ones would come.
    with writing_session() as session, session.begin():
        gone = [one.id for one in session.scalars(pending).all() if finish(session, one)]
    for id in gone:
        answer = updater.update_loadbalancer_status({"loadbalancers": [{"id": id, "provisioning_status": constants.DELETED}]})
        if answer["status_code"] != 200:
            print(f"deleting load balancer {id}: {answer}", flush=True)


def work():
    updater = DriverUpdater()
    updater.db_session = writing_session()
    while True:
        try:
            finish_pending(updater)
        except Exception:
            traceback.print_exc()
        time.sleep(PAUSE)


def start():
    cfg.CONF.set_override("pool_timeout", None, "database")  # SQLite has no pool to wait for
    let_requests_wait()
    threading.Thread(target=work, daemon=True).start()
