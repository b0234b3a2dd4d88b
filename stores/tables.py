"""The tables of the one database, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, Table, Text

METADATA = MetaData()

RECORDS = Table(
    "records",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="1"),
    Column("status", Text, nullable=False, server_default=""),
    Column("binding", Text, nullable=False, server_default=""),
    Column("expires_at", Double),
    sqlite_with_rowid=False,
)
Index("records_newest", RECORDS.c.kind, RECORDS.c.updated_at, RECORDS.c.key)
Index("records_status", RECORDS.c.kind, RECORDS.c.status, RECORDS.c.updated_at)
Index("records_binding", RECORDS.c.kind, RECORDS.c.binding)
Index("records_expiry", RECORDS.c.kind, RECORDS.c.expires_at)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
)
Index("tokens_name", TOKENS.c.name)
