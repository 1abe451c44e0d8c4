"""Tables of servers, by name and version, and of leases, one per instance. Times are Unix time in seconds."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0001"
down_revision = None


def upgrade() -> None:
    """Create both tables; a server's leases are deleted with it."""
    op.create_table(
        "registry_servers",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("version", sa.String(255), primary_key=True),
        sa.Column("description", sa.String(100), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("published_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False, index=True),
    )
    op.create_table(
        "registry_leases",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("version", sa.String(255), primary_key=True),
        sa.Column("instance", sa.String(200), primary_key=True),
        sa.Column("expires_at", sa.Double, nullable=False, index=True),
        sa.ForeignKeyConstraint(
            ["name", "version"], ["registry_servers.name", "registry_servers.version"], ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("registry_leases")
    op.drop_table("registry_servers")
