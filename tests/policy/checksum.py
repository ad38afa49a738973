"""What the database holds, in a few numbers: so that it shows that nothing has changed."""

from collections.abc import Mapping
from functools import cache

from django.db import connection

MAY_CHANGE = {
    "accounts_auditentry": "a refusal that bears on security is written down",
    "accounts_auditorigin": "from where it came is written down beside it",
    "accounts_auditseal": "the database seals what is written down",
    "accounts_accesstoken.last_used_at": "a program's token is used also when it is refused",
}
"""What a refusal may write, and why. Rate limits are counted in Redis."""

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""


def checksum() -> Mapping[str, tuple[int, str]]:
    """Rows and content of every table, but for what a refusal may write."""
    with connection.cursor() as cursor:
        cursor.execute(_statement())
        return {table: (count, str(total)) for table, count, total in cursor.fetchall()}


@cache
def _statement() -> str:
    return " UNION ALL ".join(_of(table) for table in tables() if table not in MAY_CHANGE)


def tables() -> list[str]:
    """Every table; partitions count as the whole that they are parts of."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        return [name for (name,) in cursor.fetchall()]


def _of(table: str) -> str:
    named = (each.partition(".") for each in MAY_CHANGE)
    left_out = [column for name, _, column in named if name == table]
    without = "".join(f" - '{column}'" for column in left_out)
    content = f"(to_jsonb(t){without})::text" if without else "t::text"
    total = f"coalesce(sum(hashtextextended({content}, 0)::numeric), 0)"
    return f"SELECT '{table}', count(*), {total} FROM \"{table}\" t"  # noqa: S608 - names of ours
