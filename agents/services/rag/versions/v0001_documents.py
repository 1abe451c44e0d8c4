"""Table of documents with a full-text index: FTS5 in SQLite, tsvector in PostgreSQL."""

import sqlalchemy as sa
from alembic import op

revision = "rag_0001"
down_revision = None

_SQLITE = (
    """
    CREATE VIRTUAL TABLE rag_terms
    USING fts5(title, text, content='rag_documents', content_rowid='number', tokenize='porter unicode61')
    """,
    """
    CREATE TRIGGER rag_added AFTER INSERT ON rag_documents BEGIN
      INSERT INTO rag_terms(rowid, title, text) VALUES (new.number, new.title, new.text);
    END
    """,
    """
    CREATE TRIGGER rag_removed AFTER DELETE ON rag_documents BEGIN
      INSERT INTO rag_terms(rag_terms, rowid, title, text) VALUES ('delete', old.number, old.title, old.text);
    END
    """,
    """
    CREATE TRIGGER rag_changed AFTER UPDATE ON rag_documents BEGIN
      INSERT INTO rag_terms(rag_terms, rowid, title, text) VALUES ('delete', old.number, old.title, old.text);
      INSERT INTO rag_terms(rowid, title, text) VALUES (new.number, new.title, new.text);
    END
    """,
)
_POSTGRESQL = (
    """
    ALTER TABLE rag_documents ADD COLUMN terms tsvector GENERATED ALWAYS AS
      (setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', text), 'D')) STORED
    """,
    "CREATE INDEX rag_terms ON rag_documents USING gin (terms)",
)


def upgrade() -> None:
    """Create the table and the index."""
    op.create_table(
        "rag_documents",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(16), nullable=False, unique=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Drop the table and, in SQLite, the index; the database drops PostgreSQL's index and SQLite's triggers."""
    op.drop_table("rag_documents")
    op.execute("DROP TABLE IF EXISTS rag_terms")
