git init -q -b main
git add -A
printf "cat\n" > labels.txt
