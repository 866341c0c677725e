"""An OpenGL context without a screen, through EGL."""

from __future__ import annotations

from typing import Any

from teletwin.errors import MissingPartError, StreamError

APT_PACKAGES = "libegl1 libgl1 libgl1-mesa-dri"
# The names behind the development links, because a machine without compilers has only these.
_GL_LIBRARIES = ("libGL.so.1", "libOpenGL.so.0", "libGLESv2.so.2")


def create_context() -> Any:
    """A moderngl context (OpenGL >= 3.3) that belongs to the calling thread.

    Raises:
        MissingPartError: moderngl, EGL or every OpenGL driver is missing.
        StreamError: The driver is too old.
    """
    try:
        import moderngl
    except ImportError:
        raise MissingPartError("the package moderngl is missing", mend="pip install moderngl") from None
    reasons = []
    for library in _GL_LIBRARIES:
        try:
            options: Any = {"standalone": True, "backend": "egl", "libegl": "libEGL.so.1", "libgl": library}
            context = moderngl.create_context(**options)
        except Exception as error:  # moderngl raises bare Exception
            reasons.append(str(error))
            continue
        if context.version_code < 330:
            raise StreamError("OpenGL is too old", given=context.version_code, allowed="330 or newer")
        return context
    raise MissingPartError(
        "no picture can be rendered: OpenGL without a screen (EGL) does not start",
        given="; ".join(dict.fromkeys(reasons)),
        mend=f"apt-get install -y {APT_PACKAGES}",
    )
