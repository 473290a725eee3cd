"""Damaged and hostile files by the hundred, all from one seed: what a page on a network has to live with.

python -m tests.ui.hostile /tmp/hostile     # leave them in a folder, to look at
"""

import io
import os
import struct
import sys
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

WIDTH, HEIGHT, FRAMES, RATE = 96, 64, 24, 25
KINDS = {
    "plain.mp4": ("mp4", "libx264", "yuv420p"),
    "old.avi": ("avi", "mpeg4", "yuv420p"),
    "stills.mov": ("mov", "mjpeg", "yuvj420p"),
    "web.webm": ("webm", "libvpx-vp9", "yuv420p"),
    "exact.mkv": ("matroska", "ffv1", "yuv420p"),
    "broadcast.ts": ("mpegts", "mpeg2video", "yuv420p"),
    "loop.gif": ("gif", "gif", "rgb8"),
    "flash.flv": ("flv", "flv", "yuv420p"),
}
"""Name, container, codec and pixel format of whole clips, from which damaged ones are made."""
_ODD = (
    ("rawvideo", "nut", ("gray", "gray16le", "yuv444p10le", "rgba", "monob", "yuva420p", "gbrp", "nv12", "rgb48le")),
    ("rawvideo", "nut", ("yuv410p", "bgr8", "rgb555le", "uyvy422", "gbrapf32le", "gray10le", "ya8", "bayer_rggb8")),
    ("ffv1", "matroska", ("gray16le", "yuv420p16le", "bgra", "gbrp14le")),
    ("huffyuv", "avi", ("yuv422p", "rgb24", "bgra")),
    ("png", "mov", ("rgba", "gray16be", "monob", "pal8")),
    ("qtrle", "mov", ("argb", "rgb555be", "gray")),
    ("libx264", "mp4", ("yuv444p", "yuv422p10le", "gray")),
    ("mpeg1video", "mpeg", ("yuv420p",)),
    ("h263p", "avi", ("yuv420p",)),
    ("wmv2", "asf", ("yuv420p",)),
    ("snow", "nut", ("yuv420p",)),
    ("zmbv", "avi", ("rgb24",)),
    ("cinepak", "mov", ("rgb24",)),
    ("dvvideo", "avi", ("yuv411p",)),
    ("apng", "apng", ("rgba",)),
    ("libwebp_anim", "webp", ("bgra",)),
)


def pictures(count: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> Iterator[np.ndarray]:
    """A light ball that flies before a dark wall, (H, W, 3) uint8."""
    for t in np.linspace(0, 1, count):
        picture = np.full((height, width, 3), 60, np.uint8)
        centre = (width * (0.15 + 0.7 * t), height * (0.8 - 2.2 * t + 2.2 * t * t))
        cv2.circle(picture, (round(centre[0]), round(centre[1])), max(2, height // 9), (240, 220, 90), -1)
        yield picture


def encoded(container: str, codec: str, layout: str, frames=None, times=None, rate: int = RATE) -> bytes:
    """Pictures as the bytes of a file; `times` in milliseconds replace the even ones."""
    frames = list(pictures() if frames is None else frames)
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = layout
        stream.codec_context.thread_count = 1
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=layout)
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return file.getvalue()


def write_all(folder: Path, seed: int = 0) -> list[Path]:
    """Write every file into a new folder; the same seed, the same files. What FFmpeg was built without is left out."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    whole = {name: made for name, kind in KINDS.items() if (made := _if_possible(*kind))}
    files = dict(_damaged(whole, rng))
    files |= dict(_of_another_kind(whole, rng))
    files |= dict(_with_false_sizes(whole))
    files |= dict(_of_odd_codecs())
    files |= dict(_of_odd_lengths())
    files |= dict(_of_odd_names(whole["plain.mp4"]))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files] + _links(folder, whole["plain.mp4"])


def _if_possible(container: str, codec: str, layout: str, **options) -> bytes | None:
    try:
        return encoded(container, codec, layout, **options)
    except (av.FFmpegError, ValueError, TypeError, OSError):
        return None


def _damaged(whole: dict[str, bytes], rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Torn off at many places, with bytes flipped anywhere or in the header, with pieces missing, twice, or swapped."""
    for name, content in whole.items():
        yield f"whole-{name}", content
        places = {1, 4, 11, 40, 300, len(content) - 1} | {int(len(content) * part) for part in rng.uniform(0, 1, 7)}
        for place in sorted(places):
            yield f"torn-{place}-{name}", content[:place]
        for count in (1, 3, 10, 30, 100, 300, 1000):
            yield f"flipped-{count}-{name}", _flipped(content, rng, count, len(content))
        for count in (1, 2, 4, 8, 16, 64):
            yield f"header-{count}-{name}", _flipped(content, rng, count, min(len(content), 400))
        first, second = sorted(int(place) for place in rng.integers(0, len(content), 2))
        yield f"hole-{name}", content[:first] + content[second:]
        yield f"zeros-{name}", content[:first] + bytes(second - first) + content[second:]
        yield f"swapped-{name}", content[second:] + content[:second]
        yield f"twice-{name}", content + content
        yield f"tail-{name}", content + rng.bytes(5000)


def _flipped(content: bytes, rng: np.random.Generator, count: int, within: int) -> bytes:
    changed = bytearray(content)
    for place in rng.integers(0, within, count):
        changed[place] ^= int(rng.integers(1, 256))
    return bytes(changed)


def _of_another_kind(whole: dict[str, bytes], rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """No videos at all, among them files that ask a player to open something else."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.mp4", bytes(2_000_000))
    picture = np.zeros((64, 64, 3), np.uint8)
    texts = {
        "nothing.mp4": b"",
        "zero.mp4": b"\0",
        "newline.mp4": b"\n",
        "words.mp4": b"no video at all " * 200,
        "page.mp4": b"<html><script>alert(1)</script></html>",
        "data.mp4": b'{"family": "helical"}',
        "list.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "far.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
        "list.mp4": b"ffconcat version 1.0\nfile '/etc/passwd'\nfile '/dev/zero'\n",
        "talk.sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
        "words.srt": b"1\n00:00:00,000 --> 99:00:00,000\nhello\n",
        "manifest.mpd": b'<?xml version="1.0"?><MPD type="dynamic"><Period><BaseURL>file:///etc/</BaseURL></Period></MPD>',
        "archive.mp4": zipped.getvalue(),
        "paper.mp4": b"%PDF-1.7\n" + rng.bytes(500),
        "program.mp4": b"\x7fELF" + rng.bytes(500),
        "pickle.mp4": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        "art.ans": b"\x1b[2J\x1b[31mred" * 200,
        "still.png": cv2.imencode(".png", picture)[1].tobytes(),
        "still.jpg": cv2.imencode(".jpg", picture)[1].tobytes(),
        "still.bmp": cv2.imencode(".bmp", picture)[1].tobytes(),
        "sound.wav": _sound(),
        "start.mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(500),
        "box.mp4": whole["plain.mp4"][:32] + struct.pack(">I4s", 0xFFFFFFFF, b"moov") + bytes(100),
        "deep.mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(12) + b"".join(_nested(300)),
    }
    yield from texts.items()
    for size in (7, 64, 511, 4096, 50_000):
        for suffix in ("mp4", "avi", "gif", "mkv", "ts"):
            yield f"noise-{size}.{suffix}", rng.bytes(size)


def _nested(depth: int) -> Iterator[bytes]:
    for level in range(depth, 0, -1):
        yield struct.pack(">I4s", 8 * level, b"moov")


def _sound() -> bytes:
    tone = (np.sin(np.arange(4000) / 5) * 9000).astype("<i2").tobytes()
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + struct.pack("<I", len(tone))
    return b"RIFF" + struct.pack("<I", len(head) + len(tone)) + head + tone


def _with_false_sizes(whole: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Files that claim more pixels, frames or seconds than they hold."""
    for side in (0, 1, 17, 8191, 16384, 32767, 65535):
        size = struct.pack(">HH", side, side)
        plain = whole["plain.mp4"]
        place = plain.index(b"avc1", plain.index(b"stsd")) + 28
        yield f"claims-{side}.mp4", plain[:place] + size + plain[place + 4 :]
        yield f"claims-{side}.gif", b"GIF89a" + struct.pack("<HH", side, side) + whole["loop.gif"][10:]
        avi = whole["old.avi"]
        place = avi.index(b"strf") + 12
        yield f"claims-{side}.avi", avi[:place] + struct.pack("<II", side, side) + avi[place + 8 :]
        yield f"claims-{side}.y4m", f"YUV4MPEG2 W{side} H{side} F25:1 C420\nFRAME\n".encode() + bytes(5000)
        header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
        yield f"claims-{side}.png", b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + bytes(200)
    plain = whole["plain.mp4"]
    for box in (b"stsz", b"stts", b"stco", b"stsc", b"ctts", b"mvhd", b"mdhd", b"elst", b"tkhd"):
        if box in plain:
            place = plain.index(box) + 8
            for value in (0, 0x7FFFFFFF, 0xFFFFFFFF):
                changed = struct.pack(">I", value)
                yield f"{box.decode()}-{value}.mp4", plain[: place + 4] + changed + plain[place + 8 :]


def _of_odd_codecs() -> Iterator[tuple[str, bytes]]:
    for codec, container, layouts in _ODD:
        for layout in layouts:
            if content := _if_possible(container, codec, layout):
                yield f"odd-{codec}-{layout}.{container}", content


def _of_odd_lengths() -> Iterator[tuple[str, bytes]]:
    """No frame, one, two; thousands; times that stand still, jump by years or run backwards."""
    still = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    rng = np.random.default_rng(1)
    kinds = {
        "one.mp4": {"frames": [still]},
        "two.mp4": {"frames": [still, still]},
        "still.mp4": {"frames": [still] * FRAMES},
        "noise.mp4": {"frames": rng.integers(0, 255, (FRAMES, HEIGHT, WIDTH, 3)).astype(np.uint8)},
        "flicker.mp4": {"frames": [still, 255 - still] * 12},
        "tiny.mp4": {"frames": pictures(width=16, height=16)},
        "narrow.mp4": {"frames": pictures(width=1920, height=2)},
        "slow.mp4": {"times": [1000 * 3600 * k for k in range(FRAMES)]},
        "jump.mkv": {"times": [40 * k + (10**9 if k > 12 else 0) for k in range(FRAMES)]},
        "fast.mp4": {"times": list(range(FRAMES))},
        "late.mkv": {"times": [10**9 + 40 * k for k in range(FRAMES)]},
        "long.mp4": {"frames": [still[:32, :32]] * 2500},
        "large.mp4": {"frames": pictures(12, 1600, 1200)},
    }
    for name, options in kinds.items():
        codec = "mpeg4" if name == "long.mp4" else "libx264"
        container = "matroska" if name.endswith(".mkv") else "mp4"
        if content := _if_possible(container, codec, "yuv420p", **options):
            yield name, content
    yield "no-frames.mp4", b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41\x00\x00\x00\x08free\x00\x00\x00\x08mdat"


def _of_odd_names(content: bytes) -> Iterator[tuple[str, bytes]]:
    names = (
        "-rf.mp4",
        " .mp4",
        "a b\tc.mp4",
        "new\nline.mp4",
        "quo'te\".mp4",
        "$(touch x);`id`.mp4",
        "<img src=x onerror=alert(1)>.mp4",
        "%s%n%00.mp4",
        "http:example.org.mp4",
        "concat:a|b.mp4",
        "pipe:0",
        "\u202egpj.mp4",
        "\N{SNOWMAN}\u0301\N{VIDEO CAMERA}.mp4",
        "no suffix",
        ".hidden",
        "{0!r}.mp4",
        "[new video: x].mp4",
        "1.mp4",
        "x" * 240 + ".mp4",
    )
    for name in names:
        yield name, content
    yield "\udcff\udcfe.mp4", content


def _links(folder: Path, content: bytes) -> list[Path]:
    """Links to a video elsewhere, to nothing, to themselves, to a folder and to a device; a folder and a pipe."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "film.mp4").write_bytes(content)
    targets = {
        "link.mp4": elsewhere / "film.mp4",
        "dangling.mp4": folder / "nowhere.mp4",
        "circle.mp4": folder / "circle.mp4",
        "folder.mp4": elsewhere,
        "endless.mp4": Path("/dev/zero"),
        "chance.mp4": Path("/dev/urandom"),
    }
    for name, target in targets.items():
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe.mp4")
    return [*(folder / name for name in targets), elsewhere, folder / "pipe.mp4"]


if __name__ == "__main__":
    print(len(write_all(Path(sys.argv[1]))), "files")
