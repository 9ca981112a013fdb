from setuptools import setup

setup(name="acme", install_requires=open("requirements.in").read().split())
