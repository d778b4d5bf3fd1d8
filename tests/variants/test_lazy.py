"""Names, formulas and configs cost no torch."""

from __future__ import annotations

import subprocess
import sys


def test_names_formulas_and_configs_import_no_torch() -> None:
    code = (
        "import sys, variants\n"
        "for name, axis in variants.AXES.items():\n"
        "    print(name, axis.default, axis.question, [(o.name, o.formula) for o in axis.options])\n"
        "for name, preset in variants.PRESETS.items():\n"
        "    chosen = '+skip=add+depth=5' if preset.family == 'uvit' else '+depth=5'\n"
        "    config = variants.resolve(name + chosen, image_size=32, channels=3)\n"
        "    print(config.identity(), variants.canonical(name), variants.scaled_options('width', name))\n"
        "heavy = {'torch', 'numpy', 'einops', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Linear([h_m; h_s])" in done.stdout
