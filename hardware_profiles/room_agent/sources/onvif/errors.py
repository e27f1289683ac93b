"""What can go wrong with a camera's settings.

    OnvifError
    ├── NotOnvif        what came is no SOAP answer, or one that is refused: a DTD, too much of it
    ├── OnvifRefused    the camera refuses (its user may not, or the request is not known)
    └── OnvifAway       nothing answers there

Every error says in both languages what to do, and quotes nothing of an answer.
"""

from __future__ import annotations

from hardware_profiles.room_agent.sources.errors import SourceError


class OnvifError(SourceError):
    """A camera's settings cannot be read or changed."""


class NotOnvif(OnvifError):
    """`problem` is for the log: it quotes nothing of what came."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the camera's answer is no ONVIF ({problem}); check the address onvif in the profile, "
            "and whether ONVIF is switched on at the camera",
            f"摄像机的回答不是 ONVIF（{problem}）；请检查配置中的 onvif 地址，"
            "以及摄像机上是否启用了 ONVIF",
        )


class OnvifRefused(OnvifError):
    """A SOAP fault, or a status that says no."""

    def __init__(self, *, login: bool) -> None:
        if login:
            super().__init__(
                "the camera's ONVIF refuses its user or password; many cameras keep users of their "
                "own for ONVIF: make one there",
                "摄像机的 ONVIF 拒绝了用户名或密码；许多摄像机的 ONVIF 用户是单独的：请在那里建立",
            )
        else:
            super().__init__(
                "the camera refuses this setting; change it on the camera's page",
                "摄像机拒绝了这项设置；请在摄像机的网页上更改",
            )


class OnvifAway(OnvifError):
    """Nothing answers."""

    def __init__(self) -> None:
        super().__init__(
            "the camera's ONVIF does not answer; check the address onvif in the profile",
            "摄像机的 ONVIF 没有回答；请检查配置中的 onvif 地址",
        )
