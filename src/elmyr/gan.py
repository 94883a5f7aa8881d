"""Where `elmyr.tasks.gan.model` stood before, for scripts that name it."""

from elmyr.core.lazy import instead_of

__getattr__ = instead_of(__name__, ["elmyr.tasks.gan.model"])
