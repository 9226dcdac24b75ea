"""SQLite for services that were written for databases with many writers.

A transaction that has read, and then wants to write after somebody else has, is refused by SQLite at once, however long it is
told to wait: what it read is no longer true (https://www.sqlite.org/isolation.html, "SQLITE_BUSY_SNAPSHOT"). So those that are
going to write say so when they begin, and wait for each other then.
"""

from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import event
from sqlalchemy.engine import Engine

WRITES = "begins_to_write"


def let_writers_wait():
    """Before any engine is made."""
    factory = enginefacade._TransactionFactory
    create_session, create_connection = factory._create_session, factory._create_connection

    def session(self, mode, bind=None):
        if mode is enginefacade._WRITER and bind is None:
            if not self._started:
                self._start()
            bind = self._writer_engine.execution_options(**{WRITES: True})
        return create_session(self, mode, bind=bind)

    def connection(self, mode):
        made = create_connection(self, mode)
        return made.execution_options(**{WRITES: True}) if mode is enginefacade._WRITER else made

    factory._create_session, factory._create_connection = session, connection

    # oslo.db's own listener comes after this one, and begins nothing where something has begun.
    @event.listens_for(Engine, "begin")
    def begin(connection):
        is_writer = connection.get_execution_options().get(WRITES)
        if is_writer and connection.dialect.name == "sqlite" and "in_transaction" not in connection.info:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.info["in_transaction"] = True
