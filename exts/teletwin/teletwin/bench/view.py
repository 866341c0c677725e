"""How long a picture takes: drawing, reading back, encoding, decoding."""

from __future__ import annotations

import time

import numpy as np

from teletwin.assets import asset_path
from teletwin.messages import ViewSettings
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.view import SceneState
from teletwin.view.decoder import Decoder
from teletwin.view.encoder import Encoder
from teletwin.view.renderer import Renderer
from teletwin.view.scene_file import read_scene_objects

SIZES = ((640, 360), (1280, 720))
RATE_HZ = 30.0


def moving_scene(count: int) -> list[SceneState]:
    """States (count) of an arm that draws, with ghost, target, forecast, traces of 600 points and objects."""
    objects = read_scene_objects(asset_path("scenes", "table.xml"))
    poses = np.zeros((len(objects), 7))
    poses[:, 0], poses[:, 1], poses[:, 2], poses[:, 3] = -0.35, np.linspace(-0.4, 0.4, len(objects)), 0.03, 1.0
    phase = np.linspace(-6.0, 0.5, 600 + count + 26)[:, None]
    q = HOME_Q + 0.15 * np.sin(phase * np.array([2.1, 3.4, 2.9, 1.7, 1.3, 2.3]))
    tool = tool_pose_in_ur_base(q)
    return [
        SceneState(
            q=q[600 + k],
            q_ghost=q[590 + k],
            object_poses=poses,
            target=tool[604 + k],
            forecast=tool[600 + k : 626 + k, :3],
            trace=tool[k : 600 + k, :3],
            ghost_trace=tool[k : 590 + k, :3],
        )
        for k in range(count)
    ]


def _draw_ms(renderer: Renderer, states: list[SceneState]) -> tuple[float, float]:
    """Median wall and processor time of a picture [ms], read back included."""
    renderer.render(states[0])
    wall, processor = [], []
    for state in states:
        start, start_cpu = time.perf_counter(), time.process_time()
        renderer.render(state)
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - start_cpu)
    return 1e3 * float(np.median(wall)), 1e3 * float(np.median(processor))


def _code_ms(renderer: Renderer, states: list[SceneState], codec: str) -> tuple[float, float]:
    """Median time to encode and to decode a picture [ms]."""
    settings = ViewSettings(width=renderer.width, height=renderer.height, rate_hz=RATE_HZ, codec=codec)
    decoder, encoding, decoding = Decoder(), [], []
    with Encoder(settings) as encoder:
        for k, state in enumerate(states):
            picture = renderer.render(state)
            start = time.perf_counter()
            encoded = encoder.encode(picture, frame_id=k)
            middle = time.perf_counter()
            decoder.decode(encoded.data, codec=codec, is_key=encoded.is_key)
            encoding.append(middle - start)
            decoding.append(time.perf_counter() - middle)
    return 1e3 * float(np.median(encoding)), 1e3 * float(np.median(decoding))


def measure_view(frames: int = 30) -> dict[str, float]:
    """Medians over `frames` pictures [ms]: draw (wall, with the processor time of all threads), encode, decode."""
    states = moving_scene(frames)
    objects = read_scene_objects(asset_path("scenes", "table.xml"))
    result: dict[str, float] = {}
    with Renderer(*SIZES[0], objects=objects) as renderer:
        for width, height in SIZES:
            renderer.resize(width, height)
            for name, shadow, smooth in (("", True, True), ("_no_shadow", False, True), ("_plain", False, False)):
                renderer.shadow, renderer.smooth = shadow, smooth
                key = f"draw_{height}p{name}"
                result[f"{key}_ms"], result[f"{key}_cpu_ms"] = _draw_ms(renderer, states)
            for codec in ("h264", "jpeg"):
                encode, decode = _code_ms(renderer, states, codec)
                result[f"encode_{codec}_{height}p_ms"], result[f"decode_{codec}_{height}p_ms"] = encode, decode
    return result
