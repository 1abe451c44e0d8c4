"""Tables of organizations, by name, and of members, by organization and email address."""

import sqlalchemy as sa
from alembic import op

revision = "organization_0001"
down_revision = None


def upgrade() -> None:
    """Create both tables; an organization's members are deleted with it."""
    op.create_table(
        "organization_organizations",
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("description", sa.String(500), nullable=False),
    )
    op.create_table(
        "organization_members",
        sa.Column(
            "organization",
            sa.String(63),
            sa.ForeignKey("organization_organizations.name", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("email", sa.String(254), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("organization_members")
    op.drop_table("organization_organizations")
