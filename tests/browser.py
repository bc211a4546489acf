"""Headless Chromium over its debugging pipe (DevTools protocol), with nothing but Python."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-pipe",
]
KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), " ": (32, " ")}


class Browser:
    """One page of one browser; `errors` collects what its console and its scripts complain of."""

    def __init__(self, profile: Path):
        self._numbers, self._session, self.errors = itertools.count(1), None, []
        to_browser, from_browser = os.pipe(), os.pipe()

        def give_pipes():  # the browser reads 3 and writes 4
            ends = os.dup(to_browser[0]), os.dup(from_browser[1])
            for end, number in zip(ends, (3, 4), strict=True):
                os.dup2(end, number)

        self._process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=give_pipes,
        )
        os.close(to_browser[0])
        os.close(from_browser[1])
        self._write, self._read = os.fdopen(to_browser[1], "wb"), os.fdopen(from_browser[0], "rb")
        self._rest = b""
        page = self("Target.createTarget", url="about:blank")["targetId"]
        about = self("Target.attachToTarget", targetId=page, flatten=True)
        self._session = about["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **params):
        """Sends a command and returns its result; what happens meanwhile is looked through."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._write.write(json.dumps(message).encode() + b"\0")
        self._write.flush()
        while True:
            told = self._message()
            if told.get("id") == number:
                assert "error" not in told, (method, told["error"])
                return told["result"]

    def _message(self) -> dict:
        while b"\0" not in self._rest:
            more = self._read.read1(1 << 16)
            assert more, "the browser is gone"
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        told = json.loads(text)
        params = told.get("params", {})
        if told.get("method") == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"])
        elif told.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"])
        elif told.get("method") == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.errors.append(params)
        return told

    def open(self, page: Path, width: int = 1200, dark: bool = False) -> None:
        """Shows a file in a window of `width` CSS px; a narrow one is a phone's."""
        phone = {"mobile": width < 600, "deviceScaleFactor": 1}
        self("Emulation.setDeviceMetricsOverride", width=width, height=800, **phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self("Emulation.setEmulatedMedia", features=[scheme])
        self("Page.navigate", url=page.as_uri())
        self.until("document.readyState === 'complete' && location.protocol === 'file:'")

    def run(self, script: str):
        """The value of an expression, waited for where it is a promise."""
        options = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        told = self("Runtime.evaluate", expression=script, **options)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, test: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({test})"):
            assert time.monotonic() < end, f"never came true: {test}"
            time.sleep(0.03)

    def press(self, key: str) -> None:
        code, text = KEYS[key]
        about = {"key": key, "windowsVirtualKeyCode": code, "code": "Space" if key == " " else key}
        typed = {"text": text} if text else {}
        self("Input.dispatchKeyEvent", type="keyDown", **about, **typed)
        self("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(self, path: Path, whole: bool = True) -> None:
        told = self("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(told["data"]))

    def close(self) -> None:
        with contextlib.suppress(AssertionError, OSError):
            self._session = None
            self("Browser.close")
        self._process.terminate()
        self._process.wait(20)
        for end in (self._write, self._read):
            with contextlib.suppress(OSError):
                end.close()
