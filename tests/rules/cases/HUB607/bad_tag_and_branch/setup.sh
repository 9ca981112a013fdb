git init -q -b main
git add -A
git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m x
git branch v1
git tag v1
