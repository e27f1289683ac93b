"""Pictures of pages in all sizes, and one HTML page that shows them side by side."""

from __future__ import annotations

import html
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

SIZES = ((390, 844), (820, 1180), (1366, 641), (1366, 768), (1920, 1080))
LANGUAGES = ("zh-CN", "en-US")
# Until what follows a change of size is drawn; a picture taken too soon shows it, nothing fails.
SETTLE_MS = 350
# What does not fit beside what is shown: the page scrolls sideways, or a control is cut off.
TOO_WIDE = """() => {
  const everywhere = function* (root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* everywhere(element.shadowRoot);
    }
  };
  const wide = Math.max(0, document.documentElement.scrollWidth - innerWidth);
  let cut = wide;
  for (const element of everywhere(document)) {
    if (!element.matches("button, a, input, select, summary")) continue;
    const { left, right, width, height } = element.getBoundingClientRect();
    if (width > 1 && height > 1 && element.checkVisibility()) {
      cut = Math.max(cut, right - innerWidth, -left);
    }
  }
  return Math.round(cut);
}"""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of one state."""

    state: str
    language: str
    size: tuple[int, int]
    file: str
    too_wide: int


@dataclass
class Album:
    """The pictures taken so far, in a folder."""

    folder: Path
    sizes: tuple[tuple[int, int], ...] = SIZES
    shots: list[Shot] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def take(self, state: str, pages: dict[str, Page]) -> None:
        """A picture of this state in every size, from a page in each language."""
        for language, page in pages.items():
            try:
                for size in self.sizes:
                    self._take(state, language, page, size)
            except Exception as error:  # the others are worth having
                self.fault(f"{state} ({language})", error)
        print(f"{time.monotonic() - self.began:5.0f} s  {state}", flush=True)

    def fault(self, what: str, why: Exception) -> None:
        """Something could not be shown."""
        self.faults.append(f"{what}: {str(why).splitlines()[0] if str(why) else repr(why)}")

    def _take(self, state: str, language: str, page: Page, size: tuple[int, int]) -> None:
        width, height = size
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(SETTLE_MS)
        file = f"{state.replace(' ', '-')}.{language[:2]}.{width}x{height}.png"
        page.screenshot(path=self.folder / file, full_page=True)
        self.shots.append(Shot(state, language, size, file, int(page.evaluate(TOO_WIDE))))

    def write(self) -> Path:
        """The sheet: a row for each state and language, a column for each size."""
        states = list(dict.fromkeys(shot.state for shot in self.shots))
        body = [f"<h2>{html.escape(state)}</h2>{self._rows(state)}" for state in states]
        faults = "".join(f"<li>{html.escape(fault)}</li>" for fault in self.faults)
        page = self.folder / "index.html"
        page.write_text(_SHEET.format(faults=faults, body="".join(body)), encoding="utf-8")
        return page

    def _rows(self, state: str) -> str:
        rows = []
        for language in LANGUAGES:
            shots = [one for one in self.shots if (one.state, one.language) == (state, language)]
            if shots:
                rows.append(f"<div class=row>{''.join(map(_figure, shots))}</div>")
        return "".join(rows)


def _figure(shot: Shot) -> str:
    width, height = shot.size
    wide = f" <b>{shot.too_wide} px too wide</b>" if shot.too_wide > 1 else ""
    return (
        f'<figure><a href="{shot.file}"><img loading=lazy src="{shot.file}" alt=""></a>'
        f"<figcaption>{width} × {height} {shot.language}{wide}</figcaption></figure>"
    )


_SHEET = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Every page in every state</title>
<style>
body {{ margin: 16px; font: 14px system-ui, sans-serif; background: #ddd; }}
h2 {{ margin: 24px 0 8px; }}
.row {{ display: flex; gap: 12px; margin-bottom: 12px; overflow-x: auto; }}
figure {{ flex: none; margin: 0; }}
img {{ height: 260px; max-width: 460px; object-fit: contain; object-position: top;
  border: 1px solid #999; background: #fff; }}
b {{ color: #b00; }}
</style>
<h1>Every page in every state</h1><ul>{faults}</ul>{body}</html>
"""
