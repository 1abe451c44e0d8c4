"""Table of sealed records by key. Times are Unix time in seconds."""

import sqlalchemy as sa
from alembic import op

revision = "user_credentials_0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "user_credential_records",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False, index=True),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("user_credential_records")
