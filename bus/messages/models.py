"""What the ML worker is asked (L1)."""

from __future__ import annotations

from .form import Message, message


@message("ml.embed", idempotent=True, privileged=True)
class Embed(Message):
    """Vectors of meaning for an actor's own use: reply {"vectors": (N, 384) floats of length 1, "model": text}.

    With `needs` the reply has {"needs": [{capability: how much the text, as a task, speaks for needing it (logit)}],
    "needs_version": of the head that gave them} too. The token covers exactly these texts: Safety minted it for
    arguments of the call that the tool's definition names.
    """

    texts: list[str]
    needs: bool = False


@message("ml.read", idempotent=True, privileged=True)
class ReadForInjection(Message):
    """Whether texts mean to instruct a model. Reply {"read": one of each text, "version": of the reader}.

    What is read of a text is {"score": log odds together with grammar and words, "start", "end": the window that they
    are of, "how": the disguise that it was in, "read": windows read, "of": windows there were, "version"}. The token
    covers exactly these texts.
    """

    texts: list[str]


@message("ml.models", idempotent=True)
class ReadModels(Message):
    """Which models there are: reply {"models": [{name, kind, device, loaded, ...}], "state", "progress": 0..1}."""
