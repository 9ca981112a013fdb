git init -q -b main
git add -A
mkdir timm
printf "" > timm/__init__.py
printf "" > random.py
