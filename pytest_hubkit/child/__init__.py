"""Child processes: the messages, and the code that runs in them."""
