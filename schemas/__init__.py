"""The JSON Schemas of the pipeline definition language, read through `importlib.resources`."""
