"""A standard WHIP encoder as a process of its own: FFmpeg's `whip` muxer, as PyAV carries it.

    python -m tests.browser.whip_encoder ADDRESS IDENTITY SECONDS FOLDER [again] < token

Sends a drawn room with identity and counter (H.264 baseline) and the seat's voice (Opus) at real
speed, then ends. With `again` a session that fails is begun anew, as the loop of `docs/http_api.md`
does, and each end is a line on the standard output. Sleeping here is what paces a live encoder, not
what a test waits on.

FFmpeg built with GnuTLS makes itself a P-224 certificate, which OpenSSL 4 refuses in TLS; so the
encoder is given a P-256 one (`cert_file`, `key_file`), as `docs/protocol.md` tells its users.
"""

from __future__ import annotations

import datetime
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.simulate.scene import Scene, SceneView
from server.simulate.voice import SAMPLE_RATE, speech_loop

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 15
SOUND_FRAME = 960  # 20 ms


def certificate(folder: Path) -> dict[str, str]:
    """A P-256 certificate and its key as files, in the muxer's options."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "encoder")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "encoder-cert.pem", folder / "encoder-key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {"cert_file": str(cert_file), "key_file": str(key_file)}


AGAIN_AFTER_S = 0.5


def main(
    address: str, identity: int, seconds: float, folder: Path, token: str, *, again: bool
) -> None:
    options = {"authorization": token, **certificate(folder)}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            publish(address, identity, until - time.monotonic(), options)
        except av.FFmpegError as error:
            if not again:
                raise
            print(f"ended: {type(error).__name__} {error}", flush=True)
            time.sleep(AGAIN_AFTER_S)


def publish(address: str, identity: int, seconds: float, options: dict[str, str]) -> None:
    with av.open(address, "w", format="whip", options=options) as session:
        video: Any = session.add_stream("libx264", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.gop_size = FRAME_RATE  # FFmpeg's muxer does not pass keyframe requests on
        video.options = {
            "profile": "baseline",
            "preset": "ultrafast",
            "tune": "zerolatency",
            "bf": "0",
        }
        sound: Any = session.add_stream("libopus", rate=SAMPLE_RATE)
        sound.layout = "stereo"
        session.start_encoding()
        scene = Scene(SceneView(identity, "Encoder", "WHIP", "board", WIDTH, HEIGHT, FRAME_RATE))
        voice = speech_loop(identity)
        start, frame, samples = time.monotonic(), 0, 0
        while (now := time.monotonic() - start) < seconds:
            while frame <= now * FRAME_RATE:
                picture = av.VideoFrame.from_ndarray(scene.picture(frame), format="yuv420p")
                picture.pts, picture.time_base = frame, Fraction(1, FRAME_RATE)
                session.mux(video.encode(picture))
                frame += 1
            while samples <= now * SAMPLE_RATE:
                part = np.take(voice, range(samples, samples + SOUND_FRAME), mode="wrap")
                heard = av.AudioFrame.from_ndarray(
                    np.repeat(part, 2).reshape(1, -1), format="s16", layout="stereo"
                )
                heard.sample_rate, heard.pts = SAMPLE_RATE, samples
                heard.time_base = Fraction(1, SAMPLE_RATE)
                session.mux(sound.encode(heard))
                samples += SOUND_FRAME
            time.sleep(0.01)


if __name__ == "__main__":
    main(
        sys.argv[1],
        int(sys.argv[2]),
        float(sys.argv[3]),
        Path(sys.argv[4]),
        sys.stdin.read().strip(),
        again="again" in sys.argv[5:],
    )
