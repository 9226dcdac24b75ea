"""Many servers in a second: one that Nova built, and copies of what its databases say about it.

Nova builds one or two in a second, and what is measured is how it lists them. A list reads these tables and no others.
"""

import sqlite3
import uuid

TABLES = {
    "nova.db": [
        "instances",
        "instance_extra",
        "instance_info_caches",
        "instance_metadata",
        "instance_system_metadata",
        "block_device_mapping",
    ],
    "nova_api.db": ["instance_mappings"],
}


def copy(database, table, server, copies):
    database.row_factory = sqlite3.Row
    key = "uuid" if table == "instances" else "instance_uuid"
    for row in database.execute(f"select * from {table} where {key} = ?", [server]).fetchall():
        columns = [column for column in row.keys() if column != "id"]
        places = ", ".join("?" * len(columns))
        for number, new in enumerate(copies):
            own = {"uuid": str(uuid.uuid4()), key: new}
            if table == "instances":
                own["display_name"] = own["hostname"] = f"{row['hostname']}-{number}"
            values = [own.get(column, row[column]) for column in columns]
            database.execute(f"insert into {table} ({', '.join(columns)}) values ({places})", values)


def make(home, server, count):
    copies = [str(uuid.uuid4()) for _ in range(count - 1)]
    for file, tables in TABLES.items():
        database = sqlite3.connect(home / file, timeout=60)
        with database:
            for table in tables:
                copy(database, table, server, copies)
        database.close()
