"""Adam and AdamW as they are before torch prepares them for torch.compile.

Nothing here is compiled, and torch's own import its compiler when the first of them is made: 800 modules, which takes
about as long as importing torch itself. The arithmetic is the same to the bit.
"""

from __future__ import annotations

from inspect import unwrap

import torch

_PREPARED = ("add_param_group", "state_dict", "load_state_dict", "zero_grad")


def _eager(kind: type[torch.optim.Adam]) -> type[torch.optim.Adam]:
    """An optimizer class whose methods are the wrapped ones of another; what an update needs no gradients for."""
    methods = {name: unwrap(getattr(kind, name)) for name in _PREPARED}
    return type(kind.__name__, (kind,), methods | {"step": torch.no_grad()(unwrap(kind.step))})


Adam = _eager(torch.optim.Adam)
AdamW = _eager(torch.optim.AdamW)
