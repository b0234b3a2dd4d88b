"""AI and ML: what these tools promise; the ML worker runs them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings

from .tool import Tool, array, define, integer, number, obj, text

CATEGORY = "ml"
MOST_CHARS = 20_000
EMOTIONS = 28
_tool = partial(define, category=CATEGORY, audience="ml", capability="infer")
_ONE = text("A text.", MOST_CHARS)
_MODEL = text("The model that answered.")
_TRUNCATION = "Only the first 256 tokens of a text are read; `truncated` says when that cut it."
_SIZE: JSON = {
    "tokens": integer("Tokens of the whole text.", minimum=0),
    "truncated": {"type": "boolean", "description": "Whether only the first 256 of them were read."},
}


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    most = settings.ml.max_texts
    many = array(_ONE, "Several texts at once.", minItems=1, maxItems=most)
    return (_analyze_emotion(many), _semantic_rank(many, most), _embed_text(many))


def _analyze_emotion(many: JSON) -> Tool:
    return _tool(
        "analyze_emotion",
        "Analyze emotion",
        "Which of 28 emotions English texts express, by a trained classifier: the most likely ones with their"
        f" probability, and how positive the text is. Give either `text` or `texts`. {_TRUNCATION}",
        obj(
            {
                "text": _ONE | {"description": "One text; give either this or texts."},
                "texts": many,
                "top_k": integer("How many emotions per text.", minimum=1, maximum=EMOTIONS, default=3),
            },
            required=(),
        ),
        obj({"results": array(_emotion(), "One per text, in order."), "model": _MODEL}),
        one_of=("text", "texts"),
    )


def _semantic_rank(many: JSON, most: int) -> Tool:
    return _tool(
        "semantic_rank",
        "Rank by meaning",
        f"Orders candidate texts by how close their meaning is to a query, best first. {_TRUNCATION}",
        obj(
            {
                "query": text("What to look for.", MOST_CHARS, minLength=1),
                "candidates": many | {"description": "What to order.", "maxItems": max(1, most - 1)},
                "top_k": integer("How many to return; all unless given.", minimum=1, maximum=most),
            },
            required=("query", "candidates"),
        ),
        obj({"ranked": array(_ranked(), "Best first."), "model": _MODEL}),
    )


def _embed_text(many: JSON) -> Tool:
    return _tool(
        "embed_text",
        "Embed text",
        "Vectors of meaning: one of 384 dimensions and length 1 per text; the dot product of two is their cosine"
        f" similarity. {_TRUNCATION}",
        obj({"texts": many}),
        obj(
            {
                "vectors": array(array({"type": "number"}), "One per text, in order."),
                "dimensions": integer("Numbers in a vector."),
                "texts": array(obj(_SIZE), "One per text, in order."),
                "model": _MODEL,
            }
        ),
    )


def _emotion() -> JSON:
    label = obj(
        {
            "label": text("The emotion."),
            "score": number("Its probability.", minimum=0, maximum=1),
            "present": {"type": "boolean", "description": "Whether the probability passes this label's threshold."},
        }
    )
    return obj(
        _SIZE
        | {
            "labels": array(label, "Most likely first."),
            "dominant": text("The most likely emotion."),
            "valence": number("From -1, wholly negative, to 1, wholly positive.", minimum=-1, maximum=1),
        }
    )


def _ranked() -> JSON:
    return obj(
        {
            "index": integer("Place among the given candidates, from 0.", minimum=0),
            "candidate": text("The candidate."),
            "score": number("Cosine similarity to the query.", minimum=-1, maximum=1),
        }
    )
