git init -q -b main
git add hubconf.py LICENSE
