printf "*.mp4 export-ignore\n" > .gitattributes
head -c 600000 /dev/zero > demo.mp4
git init -q -b main
git add -A
