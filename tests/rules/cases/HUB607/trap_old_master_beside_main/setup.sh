git init -q -b master
git add -A
git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m x
git update-ref refs/remotes/origin/master HEAD
git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m x
git update-ref refs/remotes/origin/main HEAD
git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/main
