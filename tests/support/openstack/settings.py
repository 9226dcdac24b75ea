"""The services' settings: databases are files, there is no broker, the hypervisor, the network's mechanism,
the volumes' contents, the name server and what balances loads are fake."""

PASSWORD = "canary-peer-password"

# Nova's fake hypervisor and Neutron's mechanism for tests agree on this name of a host: the one binds the other's ports.
HOST = "host-ovs-filter-active"


def service_user(name, identity):
    return f"""
auth_url = {identity}/v3
www_authenticate_uri = {identity}
auth_type = password
username = {name}
password = {PASSWORD}
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
"""


def files(home, origins):
    """The contents of the settings by file. `origins` are `http://127.0.0.1:PORT` by service."""

    def database(name):
        # Seconds to wait for somebody else's write. What a crash of the machine would lose matters to nobody.
        return f"sqlite:///{home}/{name}.db?timeout=60\nsqlite_synchronous = false"

    def checked(name):
        return f"[keystone_authtoken]{service_user(name, origins['keystone'])}"

    return {
        "keystone/keystone.conf": f"""
[database]
connection = {database("keystone")}
[fernet_tokens]
key_repository = {home}/fernet
[fernet_receipts]
key_repository = {home}/fernet
[credential]
key_repository = {home}/credential
[identity]
password_hash_rounds = 4
""",
        "placement/placement.conf": f"""
[api]
auth_strategy = keystone
[placement_database]
connection = {database("placement")}
{checked("placement")}
""",
        "glance/glance-api.conf": f"""
[DEFAULT]
enabled_backends = files:file
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = {home}/images
[os_glance_staging_store]
filesystem_store_datadir = {home}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {home}/tasks
[import_filtering_opts]
allowed_ports =
disallowed_hosts =
[database]
connection = {database("glance")}
[paste_deploy]
flavor = keystone
config_file = {home}/etc/glance/glance-api-paste.ini
{checked("glance")}
""",
        "swift/proxy.conf": f"""
[pipeline:main]
pipeline = catch_errors authtoken keystoneauth proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
{service_user("swift", origins["keystone"])}
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
""",
        "neutron/plugins/ml2/ml2_conf.ini": "",
        "neutron/neutron.conf": f"""
[DEFAULT]
core_plugin = ml2
service_plugins = router
api_paste_config = {home}/etc/neutron/api-paste.ini
state_path = {home}
transport_url = fake://
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = {database("neutron")}
[oslo_concurrency]
lock_path = {home}
[ml2]
type_drivers = vxlan
tenant_network_types = vxlan
mechanism_drivers = test
extension_drivers = port_security,dns
[ml2_type_vxlan]
vni_ranges = 1:1000
{checked("neutron")}
""",
        "cinder/cinder.conf": f"""
[DEFAULT]
my_ip = 127.0.0.1
host = {HOST}
state_path = {home}
transport_url = fake://
auth_strategy = keystone
api_paste_config = {home}/etc/cinder/api-paste.ini
glance_api_servers = {origins["glance"]}
enabled_backends = volumes
default_volume_type = __DEFAULT__
report_interval = 2
scheduler_driver_init_wait_time = 1
quota_volumes = -1
quota_snapshots = -1
quota_gigabytes = -1
[volumes]
volume_driver = volumes.Driver
volume_backend_name = volumes
[database]
connection = {database("cinder")}
[oslo_concurrency]
lock_path = {home}
[coordination]
backend_url = file://{home}
[nova]{service_user("cinder", origins["keystone"])}
{checked("cinder")}
service_token_roles = service
service_token_roles_required = true
""",
        "designate/designate.conf": f"""
[DEFAULT]
host = {HOST}
state_path = {home}
transport_url = fake://
quota_zones = -1
quota_zone_recordsets = -1
quota_zone_records = -1
quota_recordset_records = -1
[service:producer]
enabled_tasks = increment_serial
[producer_task:increment_serial]
interval = 1
[service:worker]
poll_delay = 0
poll_retry_interval = 1
[heartbeat_emitter]
emitter_type = noop
[storage:sqlalchemy]
connection = {database("designate")}
[database]
connection = {database("designate")}
[oslo_concurrency]
lock_path = {home}
{checked("designate")}
""",
        "octavia/octavia.conf": f"""
[DEFAULT]
transport_url = fake://
[database]
connection = {database("octavia")}
[controller_worker]
compute_driver = compute_noop_driver
[service_auth]{service_user("octavia", origins["keystone"])}
[neutron]{service_user("octavia", origins["keystone"])}
{checked("octavia")}
""",
        "nova/nova.conf": f"""
[DEFAULT]
my_ip = 127.0.0.1
host = {HOST}
state_path = {home}
transport_url = fake://
compute_driver = hypervisor.Hypervisor
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
allow_resize_to_same_host = true
report_interval = 5
[wsgi]
api_paste_config = {home}/etc/nova/api-paste.ini
[api_database]
connection = {database("nova_api")}
[database]
connection = {database("nova")}
[oslo_concurrency]
lock_path = {home}
[quota]
driver = nova.quota.NoopQuotaDriver
[glance]
endpoint_override = {origins["glance"]}
[placement]{service_user("placement", origins["keystone"])}
[neutron]{service_user("neutron", origins["keystone"])}
[cinder]{service_user("cinder", origins["keystone"])}
catalog_info = block-storage::publicURL
[service_user]{service_user("nova", origins["keystone"])}
send_service_user_token = true
{checked("nova")}
""",
    }
