"""Engines: where cells run. All of them run the same ``bench.pipeline.run_cell`` and write the same store."""
