import subprocess

WIDTH = 1


def tag():
    return subprocess.check_output(["git", "describe"])
