"""pytest plugin: ``pytest --hubconf``."""
