"""One file here is one dataset; every file is imported, and registers its `Source` in `DATASETS`."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
