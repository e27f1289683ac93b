"""What was found of one thing, and all of it together: words for people, numbers for programs.

The same form stands in a file, on the wire and on the server. No address of a camera, no user and
no password ever stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# A room has four pictures in three layers each, and ten things besides.
MOST_FINDINGS = 40
MOST_CHARACTERS = 600
Words = Annotated[str, Field(max_length=MOST_CHARACTERS)]
# JSON has no infinity; and beyond 64 bits no program reads an integer.
Figure = (
    Annotated[float, Field(allow_inf_nan=False)]
    | Annotated[int, Field(ge=-(2**63), lt=2**63)]
    | bool
    | Annotated[str, Field(max_length=200)]
)


class Grade(StrEnum):
    """How it is, the best first."""

    GOOD = "good"
    UNTRIED = "untried"  # there is none, or nobody wanted it tried
    WEAK = "weak"  # a lesson can be held, and somebody should look at it
    BAD = "bad"  # a lesson cannot be held so


class Both(BaseModel):
    """A sentence in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: Words
    en: Words


class Checked(BaseModel):
    """One thing. `check` names it for programs: `camera.teacher.f`, `line.udp`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,60}$")]
    name: Both
    verdict: Grade
    words: Both
    todo: Both | None = None
    figures: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")], Figure], Field(max_length=20)
    ] = Field(default_factory=dict)


class CheckReport(BaseModel):
    """All that was found at `made_at` (seconds since 1970), of a room's machine or a server's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    side: Literal["room", "server"]
    made_at: Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
    took_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 0.0
    place: Annotated[str, Field(max_length=200)] = ""
    machine: Annotated[str, Field(max_length=200)] = ""
    profile: Annotated[str, Field(max_length=40)] = ""
    findings: Annotated[tuple[Checked, ...], Field(max_length=MOST_FINDINGS)]

    @property
    def verdict(self) -> Grade:
        """The worst of all. What was not tried is not bad, and alone is not good."""
        return worst(finding.verdict for finding in self.findings)

    @property
    def words(self) -> Both:
        """For whoever is responsible for the room and knows no computers."""
        return _WHOLE[self.verdict]


def worst(verdicts: Iterable[Grade]) -> Grade:
    """The worst of them; nothing at all is untried."""
    order = list(Grade)
    tried = [one for one in verdicts if one is not Grade.UNTRIED]
    return max(tried, key=order.index, default=Grade.UNTRIED)


_WHOLE = {
    Grade.GOOD: Both(zh="一切正常，可以上课。", en="All is well: lessons can be held."),
    Grade.WEAK: Both(
        zh="可以上课，但有几项需要改善。", en="Lessons can be held, but some things need care."
    ),
    Grade.BAD: Both(
        zh="现在还不能上课：请先解决标出的问题。",
        en="Lessons cannot be held yet: mend what is marked first.",
    ),
    Grade.UNTRIED: Both(zh="没有检查任何项目。", en="Nothing was tried."),
}
