"""Documents with ranked full-text search: SQLite FTS5 with bm25, PostgreSQL tsvector with ts_rank."""

import hashlib
from typing import Any, Final

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.dialects import postgresql, sqlite

from meshed_mcp.agents.services.keywords import keywords
from meshed_mcp.agents.state.database import Database

DOCUMENTS: Final = sa.table("rag_documents", *(sa.column(name, sa.String) for name in ("id", "title", "text")))
ID_LENGTH: Final = 16  # hexadecimal digits of an ID: 64 bits avoid collisions in a realistic collection
MAX_KEYWORDS: Final = 32  # keywords of a question that are searched
SNIPPET_WORDS: Final = 60  # length of a snippet. Source: SQLite FTS5, `snippet()`, which allows up to 64 tokens.
TITLE_WEIGHT: Final = 5.0  # bm25 weight of the title relative to the text; PostgreSQL's weights A and D are 10 to 1

_SQLITE_SEARCH: Final = sa.text(
    "SELECT d.id, d.title, snippet(rag_terms, 1, '', '', ' … ', :words) AS snippet,"
    " -bm25(rag_terms, :title_weight, 1.0) AS score"
    " FROM rag_terms JOIN rag_documents d ON d.number = rag_terms.rowid"
    " WHERE rag_terms MATCH :terms ORDER BY score DESC, d.id LIMIT :limit"
)
_POSTGRESQL_SEARCH: Final = sa.text(
    "SELECT id, title, ts_headline('english', text, query, :options) AS snippet, ts_rank(terms, query, 1) AS score"
    " FROM rag_documents, to_tsquery('english', :terms) query"
    " WHERE terms @@ query ORDER BY score DESC, id LIMIT :limit"
)
_HEADLINE: Final = (
    f'StartSel="", StopSel="", MaxWords={SNIPPET_WORDS // 2}, MinWords=10, MaxFragments=2, FragmentDelimiter=" … "'
)


class Document(BaseModel):
    """A text with a title; the ID is derived from the title."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    title: str
    text: str


class Hit(BaseModel):
    """A matching document; a higher score is better. Scores are comparable within one search only."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str
    title: str
    snippet: str
    score: float


def document_id(title: str) -> str:
    """Return the ID of the document with this title."""
    return hashlib.sha256(title.encode()).hexdigest()[:ID_LENGTH]


class Index:
    """The documents. Every method is one blocking transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, title: str, text: str) -> Document:
        """Store the document; it replaces one with the same title."""
        document = Document(id=document_id(title), title=title, text=text)
        insert = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert
        statement: Any = insert(DOCUMENTS).values(document.model_dump())
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"text": text}))
        return document

    def get(self, identifier: str) -> Document | None:
        """Return the document, or None."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(DOCUMENTS).where(DOCUMENTS.c.id == identifier)).first()
        return None if row is None else Document.model_validate(row)

    def search(self, question: str, limit: int) -> list[Hit]:
        """Return at most `limit` documents that contain a keyword of the question, best first."""
        words = list(dict.fromkeys(keywords(question)))[:MAX_KEYWORDS]
        if not words:
            return []
        if self._database.dialect == "postgresql":
            terms = " | ".join(f"'{word}'" for word in words)
            statement = _POSTGRESQL_SEARCH.bindparams(terms=terms, limit=limit, options=_HEADLINE)
        else:
            terms = " OR ".join(f'"{word}"' for word in words)
            statement = _SQLITE_SEARCH.bindparams(
                terms=terms, limit=limit, words=SNIPPET_WORDS, title_weight=TITLE_WEIGHT
            )
        with self._database.read() as connection:
            return [Hit.model_validate(row) for row in connection.execute(statement)]
