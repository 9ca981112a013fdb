mkdir wheels
printf "" > wheels/acme-1.0-py3-none-any.whl
git init -q -b main
git add -A
