"""A whole identity service in one process: its own database, keys and administrator, on one loopback port."""

import os
import subprocess
import sys

port, home = sys.argv[1], sys.argv[2]
configuration = os.path.join(home, "etc")
os.makedirs(configuration, exist_ok=True)
for directory in ("fernet", "credential"):
    os.makedirs(os.path.join(home, directory), mode=0o700, exist_ok=True)
with open(os.path.join(configuration, "keystone.conf"), "w", encoding="utf-8") as file:
    file.write(
        f"[database]\nconnection = sqlite:///{home}/keystone.db\n"
        f"[fernet_tokens]\nkey_repository = {home}/fernet\n"
        f"[fernet_receipts]\nkey_repository = {home}/fernet\n"
        f"[credential]\nkey_repository = {home}/credential\n"
        "[identity]\npassword_hash_rounds = 4\n"
    )
os.environ["OS_KEYSTONE_CONFIG_DIR"] = configuration

user, group = str(os.getuid()), str(os.getgid())
for arguments in (
    ["db_sync"],
    ["fernet_setup", "--keystone-user", user, "--keystone-group", group],
    ["credential_setup", "--keystone-user", user, "--keystone-group", group],
    ["bootstrap", "--bootstrap-password", os.environ["ADMIN_PASSWORD"], "--bootstrap-region-id", "lab"],
):
    manage = os.path.join(os.path.dirname(sys.executable), "keystone-manage")
    subprocess.run([manage, "--config-dir", configuration, *arguments], check=True)

# What is left of the command line would be read as the service's own.
del sys.argv[1:]
from keystone.wsgi.api import application  # noqa: E402  it reads the configuration that was written above
from werkzeug.serving import make_server  # noqa: E402

make_server("127.0.0.1", int(port), application, threaded=True).serve_forever()
