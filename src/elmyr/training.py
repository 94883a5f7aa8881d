"""Where `elmyr.engine` and `elmyr.tasks.gan` stood before, for scripts that name it."""

from elmyr.core.lazy import instead_of

__getattr__ = instead_of(__name__, ["elmyr.engine", "elmyr.tasks.gan"])
