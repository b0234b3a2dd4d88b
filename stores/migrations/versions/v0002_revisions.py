"""Records that can be exchanged only by who knows their revision, and found by status and binding."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Columns with defaults, so that what is there stays valid."""
    op.add_column("records", sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"))
    op.add_column("records", sa.Column("status", sa.Text, nullable=False, server_default=""))
    op.add_column("records", sa.Column("binding", sa.Text, nullable=False, server_default=""))
    op.add_column("records", sa.Column("expires_at", sa.Double))
    op.create_index("records_newest", "records", ["kind", "updated_at", "key"])
    op.create_index("records_status", "records", ["kind", "status", "updated_at"])
    op.create_index("records_binding", "records", ["kind", "binding"])
    op.create_index("records_expiry", "records", ["kind", "expires_at"])
