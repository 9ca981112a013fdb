mkdir docs
ln -s ../README.md docs/index.md
printf "x" > README.md
git init -q -b main
git add -A
