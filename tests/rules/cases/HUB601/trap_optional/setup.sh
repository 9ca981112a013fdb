git init -q -b main
git add -A
printf "VERSION = 1\n" > acme_version.py
printf "{}" > cache.json
