"""Code for fresh processes that shows which modules of hubkit are entered."""

# Names `entered`: the modules in which a function ran; the body of a module or class is none.
PROFILE = """
import sys
entered = set()

def profile(frame, event, argument):
    name = frame.f_globals.get("__name__", "")
    is_function = frame.f_code.co_flags & 1  # CO_OPTIMIZED
    is_generated = frame.f_code.co_name == "__create_fn__"  # by dataclasses, during an import
    if event == "call" and is_function and not is_generated:
        if name.startswith("hubkit.") and not name.startswith("hubkit.repos."):
            entered.add(name)
"""
