git init -q -b develop
git add -A
git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m x
