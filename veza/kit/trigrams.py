"""The index that finds words that are alike, for migrations; PostgreSQL may come without it."""

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

Way = Callable[[Any, BaseDatabaseSchemaEditor], None]


def index_trigrams(table: str, name: str, *, column: str = "words") -> migrations.RunPython:
    """Index the column by trigrams, where the database has or may make the extension pg_trgm.

    Without it a search does without words that are alike. To add it later: make the extension and
    the index as a superuser, and start Veza anew.
    """

    return migrations.RunPython(*_ways(table, name, column))


def unindex_trigrams(table: str, name: str, *, column: str = "words") -> migrations.RunPython:
    """Remove such an index, where it is."""
    add, remove = _ways(table, name, column)
    return migrations.RunPython(remove, add)


def _ways(table: str, name: str, column: str) -> tuple[Way, Way]:
    """There and back."""

    def add(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if _has_extension(schema_editor):
            quoted = [schema_editor.quote_name(each) for each in (name, table, column)]
            schema_editor.execute(
                "CREATE INDEX {} ON {} USING gin ({} gin_trgm_ops)".format(*quoted)
            )

    def remove(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(name)}")

    return add, remove


def _has_extension(schema_editor: BaseDatabaseSchemaEditor) -> bool:
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
        if cursor.fetchone() is None:
            return False
        try:
            with transaction.atomic(using=connection.alias):
                cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except DatabaseError:  # it is there, but this role may not make it
            return False
    return True
