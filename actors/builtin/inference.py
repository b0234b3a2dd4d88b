"""AI and ML: what these tools promise; the ML worker runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Settings

from ..sources import ToolDefinition
from .tool import Tool, array, integer, number, obj, text

CATEGORY = "ml"
MOST_CHARS = 20_000
EMOTIONS = 28
_TRUNCATION = "Only the first 256 tokens of a text are read; `truncated` says when that cut it."
_SIZE: JSON = {
    "tokens": integer("Tokens of the whole text.", minimum=0),
    "truncated": {"type": "boolean", "description": "Whether only the first 256 of them were read."},
}


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    most = settings.ml.max_texts
    one = text("A text.", MOST_CHARS)
    many = array(text("A text.", MOST_CHARS), "Several texts at once.", minItems=1, maxItems=most)
    model = text("The model that answered.")
    return (
        _tool(
            "analyze_emotion",
            "Analyze emotion",
            "Which of 28 emotions English texts express, by a trained classifier: the most likely ones with their"
            f" probability, and how positive the text is. Give either `text` or `texts`. {_TRUNCATION}",
            obj(
                {
                    "text": one | {"description": "One text; give either this or texts."},
                    "texts": many,
                    "top_k": integer("How many emotions per text.", minimum=1, maximum=EMOTIONS, default=3),
                },
                required=(),
            ),
            obj({"results": array(_emotion(), "One per text, in order."), "model": model}),
            one_of=("text", "texts"),
        ),
        _tool(
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
            obj({"ranked": array(_ranked(), "Best first."), "model": model}),
        ),
        _tool(
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
                    "model": model,
                }
            ),
        ),
    )


def _tool(name: str, title: str, description: str, takes: JSON, gives: JSON, **more: Any) -> Tool:
    return Tool(
        ToolDefinition(
            name=name,
            title=title,
            description=description,
            input_schema=takes,
            output_schema=gives,
            capability="infer",
            layer="L1",
            audience="ml",
            category=CATEGORY,
            **more,
        )
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
