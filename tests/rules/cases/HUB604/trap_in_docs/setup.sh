mkdir docs
ln -s ../README.md docs/index.md
printf "x" > README.md
ln -s README.md AGENTS.md
git init -q -b main
git add -A
