"""Settings: frozen values, the files that set them, and where the system keeps its state.

This folder imports nothing of ours. `load.load` reads the settings once; everything else gets them as values.
"""
