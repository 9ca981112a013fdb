git init -q -b develop
git add -A
git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m x
git update-ref refs/remotes/origin/topic HEAD
git checkout -q --detach
git branch -q -D develop
