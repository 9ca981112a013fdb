"""AUDIT: check many repos on a Dask cluster, and keep the results in a DuckDB database.

`sources` reads what to audit, `hosts` decides what may be asked now, `engine` lets workers do it,
`worker` and `judge` do it, `store` keeps it. `run` puts them together.
"""
