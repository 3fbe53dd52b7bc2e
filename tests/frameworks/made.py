"""The application of a server that takes no factory: made when this module is imported."""

import os
from importlib import import_module

_module, _, _factory = os.environ["TIDEGATE_TEST_APP"].partition(":")
app = getattr(import_module(_module), _factory)()
