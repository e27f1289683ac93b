"""A stock Firefox, driven over WebDriver BiDi: no driver program, one WebSocket.

It has fake devices of its own (a picture whose colour changes, a tone), asks nobody for permission,
and fetches nothing from anywhere, so it has no OpenH264 either. BiDi's messages are told at
https://w3c.github.io/webdriver-bidi/.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.browser.screens import PROBES, WAIT_S

FIREFOX = "firefox-esr"  # Debian's
START_LIMIT_S = 180.0
END_LIMIT_S = 10.0
LOOK_EVERY_S = 0.25
_ASKS_NOBODY = "media.navigator.permission.disabled"
ARROW_UP, ARROW_DOWN = "\ue013", "\ue015"  # as WebDriver names them
SETTINGS = {
    "media.navigator.streams.fake": True,
    _ASKS_NOBODY: True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.gmp-manager.updateEnabled": False,
    "intl.accept_languages": "en-US",
    # Nothing is fetched, asked or reported.
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


def has_firefox() -> bool:
    return shutil.which(FIREFOX) is not None


class Firefox:
    """One page of it."""

    def __init__(self, socket: ClientConnection, evidence: Path) -> None:
        self._socket = socket
        self._evidence = evidence
        self._numbers = itertools.count(1)
        capabilities = {"alwaysMatch": {"acceptInsecureCerts": True}}
        self._call("session.new", capabilities=capabilities)
        self._page = self._first_context()
        self._window = self._first_context(**{"moz:scope": "chrome"})
        self.runs_first(f"{PROBES}\nwindow.PageProbe = PageProbe;")

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        deadline = time.monotonic() + WAIT_S
        while True:
            answer = json.loads(self._socket.recv(max(0.0, deadline - time.monotonic())))
            if answer.get("id") == number:  # others are events
                break
        assert answer["type"] == "success", f"{method}: {answer}"
        return dict(answer["result"])

    def _first_context(self, **scope: str) -> str:
        return str(self._call("browsingContext.getTree", **scope)["contexts"][0]["context"])

    def runs_first(self, script: str) -> None:
        """Every page opened from now on runs this before its own."""
        self._call("script.addPreloadScript", functionDeclaration=f"() => {{ {script} }}")

    def permit(self, origin: str, name: str, *, allowed: bool) -> None:
        """What a person has chosen at the sign beside the address for `camera` or `microphone`.

        From the first call on nothing is used that nobody has allowed.
        """
        principal = f"Services.scriptSecurityManager.createContentPrincipalFromOrigin({origin!r})"
        action = "Services.perms." + ("ALLOW_ACTION" if allowed else "DENY_ACTION")
        self._call(
            "script.evaluate",
            expression=f'Services.prefs.setBoolPref("{_ASKS_NOBODY}", false);'
            f"Services.perms.addFromPrincipal({principal}, {name!r}, {action});",
            target={"context": self._window},
            awaitPromise=False,
        )

    def press(self, key: str) -> None:
        """Presses a key, as a person does. (Without a screen no key presses a button.)"""
        strokes = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": strokes}
        self._call("input.performActions", context=self._page, actions=[keyboard])

    def goto(self, address: str) -> None:
        self._call("browsingContext.navigate", context=self._page, url=address, wait="complete")

    def evaluate(self, function: str, *arguments: object) -> Any:
        """What a JavaScript function (given as text) returns, as JSON."""
        call = f"({function})(...{json.dumps(arguments)})"
        answer = self._call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await {call}) ?? null))()",
            target={"context": self._page},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def wait(self, function: str, *arguments: object) -> None:
        """Waits until a JavaScript function says true; if it does not, keeps what is shown."""
        deadline = time.monotonic() + WAIT_S
        while not self.evaluate(function, *arguments):
            if time.monotonic() > deadline:
                picture = self._evidence / "firefox.png"
                picture.write_bytes(self.screenshot())
                raise AssertionError(
                    f"Firefox: {function} with {arguments} did not come true; see {picture}"
                )
            time.sleep(LOOK_EVERY_S)

    def screenshot(self) -> bytes:
        """What the page shows, as PNG."""
        shown = self._call("browsingContext.captureScreenshot", context=self._page)
        return base64.b64decode(shown["data"])

    def size(self, width: int, height: int) -> None:
        """The page's, in CSS pixels."""
        view = {"width": width, "height": height}
        self._call("browsingContext.setViewport", context=self._page, viewport=view)

    def sees_moving(self, seat: str, identity: int) -> None:
        """Waits until a seat's pixels show its identity and an advancing counter."""
        self.evaluate("() => PageProbe.restart()")
        self.wait("(seat, who) => PageProbe.moves(seat, who)", seat, identity)

    def close(self) -> None:
        self._call("browser.close")


@contextmanager
def firefox(folder: Path, **further: object) -> Iterator[Firefox]:
    """A Firefox with a profile of its own in `folder`; it is gone afterwards. `further` are
    settings whose names have `__` for each dot."""
    profile = folder / "firefox"
    profile.mkdir(parents=True)
    chosen = SETTINGS | {name.replace("__", "."): value for name, value in further.items()}
    settings = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in chosen.items()]
    (profile / "user.js").write_text("".join(settings))
    log = folder / "firefox.log"
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--remote-debugging-port=0", "--remote-allow-system-access"],
            env={**os.environ, "HOME": str(profile)},  # nothing of it is left in the user's
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        with connect(f"{_address(process, log)}/session", max_size=None) as socket:
            browser = Firefox(socket, folder)
            try:
                yield browser
            finally:
                browser.close()
    finally:
        _end(process)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text())
        if found:
            return found.group(1)
        time.sleep(LOOK_EVERY_S)
    raise AssertionError(f"Firefox did not start:\n{log.read_text()[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """It was told to end; what has not is killed, with its content processes."""
    try:
        process.wait(END_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
