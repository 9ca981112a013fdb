for _name in ("small", "large"):
    globals()[_name] = len
