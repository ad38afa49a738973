"""Databases of tests: none waits for the disk, and only tables that hold rows are emptied.

After a test on real transactions Django truncates them all, which makes new files for each table
and each index, and then fills those of `KEPT` anew.
"""

from collections.abc import Iterator

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

# Nothing of them outlives a test; on a server that was found a commit waits 3 ms for the disk.
WAITS_FOR_NO_DISK = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
KEPT = {"django_content_type", "auth_permission"}  # follow from the code; no test writes them
# Tables that refuse to lose a row, as the audit log does, can still be truncated.
REFUSING = """
SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND t.tgtype & 8 <> 0
"""


def wait_for_no_disk() -> None:
    """In all connections to the test database that are opened from now on."""
    with connection.cursor() as cursor:
        cursor.execute(WAITS_FOR_NO_DISK.format(sql.Identifier(connection.settings_dict["NAME"])))
    connection.close()


def empty_tables() -> None:
    """No table that belongs to a model holds a row of the test afterwards."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _statements(cursor, sorted(set(tables) - KEPT)):
            cursor.execute(statement)


def _statements(cursor: CursorWrapper, tables: list[str]) -> Iterator[str]:
    cursor.execute(REFUSING)
    refusing = {name for [name] in cursor.fetchall()}
    cursor.execute(
        " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT FROM {_quoted(table)})"  # noqa: S608 - our names
            for table in tables
        )
    )
    filled = {name for [name] in cursor.fetchall()}
    if filled & refusing:
        yield f"TRUNCATE {', '.join(_quoted(table) for table in sorted(refusing))}"
    # Keys between tables are checked at the end of the transaction, so the order does not matter.
    for table in sorted(filled - refusing):
        yield f"DELETE FROM {_quoted(table)}"  # noqa: S608 - as above


def _quoted(table: str) -> str:
    return connection.ops.quote_name(table)
