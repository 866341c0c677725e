"""The Kit extension: starts and ends with Kit's word, and leaves nothing behind."""

from __future__ import annotations

import omni.ext

from teletwin.errors import TeletwinError
from teletwin.kit import api, host
from teletwin.kit.prebundle import Prebundle
from teletwin.kit.twin_app import Surroundings, TwinApp


class Extension(omni.ext.IExt):
    """Entry of `teletwin.kit`; without a window nothing of omni.ui is imported."""

    surroundings: Surroundings | None = None
    """What the twin takes from outside; None for this machine's clock, network and threads."""

    def on_startup(self, ext_id: str) -> None:
        """Begin: settings are watched, menu and window are there, a session is not yet started."""
        packages = Prebundle(host.extension_path(ext_id))
        packages.open()
        self._app = TwinApp(self.surroundings, packages)
        self._face = None
        api.publish(self._app)
        for remark in packages.remarks():
            self._app.report(remark)
        if (problem := packages.problem()) is not None:
            self._app.report(problem)
        try:
            host.isaac_version()
            settings = self._app.settings.read()
        except TeletwinError as error:
            self._app.report(error, level="error")
            settings = None
        wish = settings.window if settings is not None else "auto"
        if host.has_window(wish):
            from teletwin.kit.menu import Face

            self._face = Face(ext_id, self._app)
        if settings is not None and settings.autostart:
            self._app.start()

    def on_shutdown(self) -> None:
        """End: session, subscriptions, menu and window go."""
        face, self._face = self._face, None
        if face is not None:
            face.close()
        api.retract(self._app)
        self._app.close()
